"""What all pages share while the page is served."""

from dataclasses import dataclass

from reslab.web.jobs import Jobs
from reslab.web.library import Library
from reslab.web.run_table import RunTable
from reslab.web.settings import UiSettings
from reslab.web.study_jobs import StudyJobs
from reslab.web.tail import MetricsTails
from reslab.web.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Context:
    """One for each server; its parts are safe among threads."""

    settings: UiSettings
    workspace: Workspace
    table: RunTable
    tails: MetricsTails
    jobs: Jobs
    studies: StudyJobs
    library: Library


def open_context(settings: UiSettings) -> Context:
    """Open the chosen folder.

    Raises:
        ConfigError: if there is no such folder.
    """
    workspace = Workspace(settings.folder)
    jobs = Jobs()
    return Context(
        settings=settings,
        workspace=workspace,
        table=RunTable(workspace.folder, workspace.publish),
        tails=MetricsTails(),
        jobs=jobs,
        studies=StudyJobs(jobs, workspace.folder, settings.data_root),
        library=Library(settings.data_root),
    )
