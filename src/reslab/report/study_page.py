"""A study's `results.json`, figures and page, from its stored runs and measurements."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reslab.errors import ConfigError, RunError
from reslab.files.atomic import write_atomically
from reslab.files.documents import from_document, read_json, write_sealed_json
from reslab.report.interactive import plotly_script, render_interactive
from reslab.report.pages import describe_environment_of, inline_png, open_templates
from reslab.report.still import render_chart
from reslab.studies.carry_out import RunStore
from reslab.studies.catalogue import STUDY_NAMES, find_study
from reslab.studies.charts import Chart
from reslab.studies.conduct import StudyOutcome, conclude, plan_runs
from reslab.studies.deviations import list_common_deviations, reproduce_command
from reslab.studies.setting import StudySetting
from reslab.studies.study import Study

RESULTS_FILE = "results.json"
REPORT_FILE = "report.html"


def write_report(outcome: StudyOutcome, folder: Path) -> Path:
    """Write `results.json`, the figures (PNG, SVG and data) and the page into the study's folder.

    Returns:
        The page, one file that needs no network.

    Raises:
        RunError: if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_sealed_json(folder / RESULTS_FILE, results_document(outcome, folder))
        page = (
            open_templates()
            .get_template("study.html.j2")
            .render(
                **describe_study(outcome, folder),
                plotly_script=plotly_script(),
                environment=describe_environment_of(outcome),
                runs=len(outcome.evidence.runs),
                seconds=outcome.seconds,
            )
        )
        write_atomically(folder / REPORT_FILE, page.encode())
    except OSError as error:
        raise RunError(f"cannot write the report in {folder}: {error.strerror}") from error
    return folder / REPORT_FILE


def rebuild_report(folder: Path, study_file: Path | None = None) -> tuple[StudyOutcome, Path]:
    """Write the report anew from what is stored of a study; trains and measures nothing.

    Args:
        folder: the study's.
        study_file: the Python file of a study of one's own.

    Raises:
        RunError: if a run or a measurement is missing.
        ConfigError: if the folder holds no study.
    """
    path = folder / RESULTS_FILE
    document = read_json(path)
    if not isinstance(document, dict) or not {"study", "setting", "run_folders"} <= document.keys():
        raise ConfigError(f"{path} is not a study's: it has no `study`, `setting`, `run_folders`")
    setting = from_document(document["setting"], StudySetting, str(path))
    study = _find_stored_study(document["study"], study_file, path)
    if not setting.depths and study.default_depths(setting.data, "smoke"):
        raise ConfigError(f"{path} is damaged: the study {study.name} needs depths, it has none")
    first, *others = _find_stored_folders(document["run_folders"], path)
    outcome = conclude(study, setting, folder, RunStore(first, tuple(others)))
    return outcome, write_report(outcome, folder)


def _find_stored_folders(parts: object, path: Path) -> list[Path]:
    if not isinstance(parts, list) or not parts or not all(isinstance(p, str) for p in parts):
        raise ConfigError(f"{path} is damaged: its `run_folders` are not a list of folders")
    folders = [path.parent / part for part in parts]
    try:
        for folder in folders:
            folder.exists()
    except OSError as error:  # such as a name too long; where there is no folder, none is raised
        raise ConfigError(f"{path} is damaged: its `run_folders` name {error}") from error
    return folders


def _find_stored_study(name: object, study_file: Path | None, path: Path) -> Study:
    if study_file is not None:
        return find_study(str(study_file))
    # A stored name may not choose which Python file is run: only a person may.
    if name not in STUDY_NAMES:
        raise ConfigError(
            f"{path} is of the study {name!r:.60}, which is none of the paper's: name the Python "
            "file that holds it with --study"
        )
    return find_study(str(name))


def results_document(outcome: StudyOutcome, folder: Path) -> dict[str, Any]:
    """All that a study has found, in plain JSON types; charts are in files of their own."""
    findings = asdict(outcome.findings)
    charts = findings.pop("charts")
    runs = [{"label": run.label, **asdict(run.result)} for run in outcome.evidence.runs]
    # Relative, so that a folder can be moved with the runs in it; the study's own runs come first.
    parents = [os.path.relpath(run.folder.parent, folder) for run in outcome.evidence.runs]
    return {
        "study": outcome.study.name,
        "question": outcome.study.question,
        "where": outcome.study.where,
        "setting": asdict(outcome.setting),
        **findings,
        "charts": [chart["name"] for chart in charts],
        "published": [asdict(number) for number in outcome.study.published],
        "command": reproduce_command(outcome.study.name, outcome.setting),
        "run_folders": list(dict.fromkeys(["runs", *parents])),
        "runs": runs,
    }


def describe_study(
    outcome: StudyOutcome, folder: Path, *, interactive: bool = True
) -> dict[str, Any]:
    """What the body of a study's page shows; writes its figures."""
    setting = outcome.setting
    planned = plan_runs(outcome.study, setting)
    return {
        "study": outcome.study,
        "setting": setting,
        "findings": outcome.findings,
        "charts": [
            _describe_chart(chart, folder / "figures", interactive=interactive)
            for chart in outcome.findings.charts
        ],
        "deviations": [
            *list_common_deviations(setting, planned),
            *outcome.study.list_deviations(setting),
        ],
        "trains": bool(planned),
        "command": reproduce_command(outcome.study.name, setting),
    }


def _describe_chart(chart: Chart, folder: Path, *, interactive: bool) -> dict[str, str]:
    return {
        "title": chart.name.replace("-", " ").capitalize(),
        "caption": chart.caption,
        "source": inline_png(render_chart(chart, folder)),
        "interactive": render_interactive(chart) if interactive else "",
    }
