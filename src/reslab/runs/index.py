"""Finding the runs in a folder, and how each of thousands stands."""

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from reslab.errors import RunError
from reslab.runs.directory import (
    CHECKPOINTS_FOLDER,
    CONFIG_FILE,
    METRICS_FILE,
    RESULT_FILE,
    RunDirectory,
)
from reslab.runs.summary import RunFiles, RunSummary, summarise_run


def find_runs(folder: Path) -> list[RunDirectory]:
    """Every run below `folder`, in order of path."""
    return [RunDirectory(path.parent) for path in sorted(folder.rglob(CONFIG_FILE))]


def list_runs(folder: Path) -> list[RunSummary]:
    """How every run in a folder and below it stands, in order of name.

    What was read of a run is kept for the next call, until one of its files changes. Links to
    folders and hidden folders are not followed. A `config.json` of something else is passed over;
    a damaged run is listed with what is wrong.

    Args:
        folder: with runs anywhere in it; may itself be a run.

    Raises:
        RunError: if there is no such folder.
    """
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder: name one with runs in it")
    return _index_of(folder.resolve()).list(folder)


@cache
def _index_of(_folder: Path) -> "RunIndex":
    return RunIndex()


class RunIndex:
    """Remembers what it read of the runs of one folder."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[object, RunSummary | None]] = {}

    def list(self, folder: Path) -> list[RunSummary]:
        """See `list_runs`."""
        before, self.known = self.known, {}
        summaries = []
        for path in _find_run_folders(folder):
            files = _look_at(path)
            if files is None:
                continue
            known = before.get(path)
            if known is None or known[0] != files.signature:
                known = (files.signature, _summarise(folder, Path(path), files))
            self.known[path] = known
            if known[1] is not None:
                summaries.append(_tell_running(known[1]))
        return sorted(summaries, key=lambda summary: summary.name)


def _find_run_folders(folder: Path) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        folders[:] = [n for n in folders if not n.startswith(".") and n != CHECKPOINTS_FOLDER]
        if CONFIG_FILE in files:
            yield path


def _look_at(path: str) -> RunFiles | None:
    """The run's files; None if it has gone."""
    config = _stat(f"{path}/{CONFIG_FILE}")
    if config is None:
        return None
    return RunFiles(config, _stat(f"{path}/{METRICS_FILE}"), _stat(f"{path}/{RESULT_FILE}"))


def _stat(path: str) -> os.stat_result | None:
    try:
        # Thousands of times, and a Path for each costs as much as the call itself.
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _summarise(folder: Path, path: Path, files: RunFiles) -> RunSummary | None:
    name = path.relative_to(folder).as_posix() if path != folder else folder.resolve().name
    return summarise_run(path, name, files)


def _tell_running(summary: RunSummary) -> RunSummary:
    if summary.state == "stopped" and RunDirectory(summary.path).is_being_written():
        return replace(summary, state="running")
    return summary
