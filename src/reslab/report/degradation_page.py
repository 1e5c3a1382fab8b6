"""The degradation study's `results.json`, figures and page, from its stored runs."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from reslab.analysis.depth_verdict import METHOD, DepthComparison, Verdict
from reslab.analysis.statistics import Difference
from reslab.errors import ConfigError, RunError
from reslab.files.atomic import write_atomically
from reslab.files.documents import from_document, read_json, write_json
from reslab.report.curves import NetworkCurves, read_curves
from reslab.report.figures import render_families, render_plain_nets
from reslab.report.interactive import plotly_script, render_interactive
from reslab.runs.directory import RunDirectory
from reslab.runs.index import find_runs
from reslab.studies.degradation import (
    DegradationPlan,
    DegradationResult,
    NetworkErrors,
    conclude,
    plan_runs,
)
from reslab.studies.degradation_words import (
    QUESTION,
    explain,
    list_deviations,
    list_limits,
    reproduce_command,
)
from reslab.studies.longer_budgets import LONGER_ON_DIGITS, LONGER_WORDS
from reslab.training.result import run_result_from
from reslab.training.run_config import ExecutionConfig

RESULTS_FILE = "results.json"
REPORT_FILE = "report.html"


def write_report(result: DegradationResult, folder: Path) -> Path:
    """Write `results.json`, the figures (PNG and SVG) and the page into the study's folder.

    Args:
        result: the study.
        folder: where its runs are kept.

    Returns:
        The page, one file that needs no network.

    Raises:
        RunError: if a run of the result is not in the folder, or the folder cannot be written.
    """
    folders = _folders_by_digest(folder)
    try:
        write_json(folder / RESULTS_FILE, result.to_document())
        curves = [_read_network_curves(errors, result, folders) for errors in result.networks]
        figures = folder / "figures"
        images = [render_plain_nets(curves, figures)[0], render_families(curves, figures)[0]]
        page = _render(result, curves, images, folders[result.runs[0].digest])
        write_atomically(folder / REPORT_FILE, page.encode())
    except OSError as error:
        raise RunError(f"cannot write the report in {folder}: {error.strerror}") from error
    return folder / REPORT_FILE


def rebuild_report(folder: Path) -> tuple[DegradationResult, Path]:
    """Write the report anew from the runs stored in a study's folder; trains nothing.

    Raises:
        RunError: if a run of the study is missing or has not ended.
        ConfigError: if the folder holds no study.
    """
    document = read_json(folder / RESULTS_FILE)
    if not isinstance(document, dict) or "plan" not in document:
        raise ConfigError(f"{folder / RESULTS_FILE} is not a study's: it has no `plan`")
    plan = from_document(document["plan"], DegradationPlan, str(folder / RESULTS_FILE))
    folders = _folders_by_digest(folder)
    results = []
    for config in plan_runs(plan, ExecutionConfig()):
        stored = folders[config.digest].read_result() if config.digest in folders else None
        if stored is None:
            raise RunError(
                f"{folder} lacks the finished run of {config.network.name}, seed {config.seed}: "
                f"give `{reproduce_command(plan)} --out {folder}` again to make it"
            )
        results.append(run_result_from(stored, str(folders[config.digest].result_path)))
    result = conclude(plan, results)
    return result, write_report(result, folder)


def _folders_by_digest(folder: Path) -> dict[str, RunDirectory]:
    return {run.read_config()["digest"]: run for run in find_runs(folder / "runs")}


def _read_network_curves(
    errors: NetworkErrors, result: DegradationResult, folders: dict[str, RunDirectory]
) -> NetworkCurves:
    digests = [run.digest for run in result.runs if run.network == errors.network]
    missing = [digest for digest in digests if digest not in folders]
    if missing:
        raise RunError(
            f"a run of {errors.network} (digest {missing[0][:10]}) is not there any more"
        )
    return read_curves(
        (folders[digest].path for digest in digests),
        network=errors.network,
        family=errors.family,
        depth=errors.depth,
    )


@dataclass(frozen=True, kw_only=True)
class _Change:
    """A row of the table of changes from shallower to deeper."""

    family: str
    comparison: DepthComparison

    @property
    def train(self) -> str:
        return _difference_text(self.comparison.train)

    @property
    def test(self) -> str:
        return _difference_text(self.comparison.test)


def _difference_text(difference: Difference) -> str:
    mean = f"{difference.mean:+.2f}"
    if difference.low is None or difference.high is None:
        return f"{mean} (one seed: no interval)"
    return f"{mean} [{difference.low:+.2f}, {difference.high:+.2f}]"


def _render(
    result: DegradationResult,
    curves: list[NetworkCurves],
    images: Iterable[Path],
    run: RunDirectory,
) -> str:
    environment = Environment(
        loader=PackageLoader("reslab.report"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
    )
    comparisons = (("plain", result.plain), ("residual", result.residual))
    return environment.get_template("degradation.html.j2").render(
        result=result,
        question=QUESTION,
        sentence=explain(result),
        verdict_words={**{v: v for v in get_args(Verdict)}, "none": "no degradation"},
        changes=[_Change(family=f, comparison=c) for f, c in comparisons if c is not None],
        method=METHOD,
        deviations=list_deviations(result.plan),
        limits=list_limits(result),
        longer=LONGER_ON_DIGITS if result.plan.data == "digits" else (),
        longer_words=LONGER_WORDS,
        command=reproduce_command(result.plan),
        environment=_flatten(read_json(run.environment_path)),
        plotly_script=plotly_script(),
        interactive=render_interactive(curves),
        images=[_inline(path) for path in images],
        seconds=sum(r.elapsed_seconds for r in result.runs),
    )


def _inline(path: Path) -> dict[str, str]:
    content = base64.b64encode(path.read_bytes()).decode()
    return {"name": path.stem, "source": f"data:image/png;base64,{content}"}


def _flatten(environment: dict[str, Any]) -> dict[str, str]:
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    return {**{key: str(value) for key, value in environment.items()}, "packages": packages}
