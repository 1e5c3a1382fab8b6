"""A study's stored results as the page shows them: claims, figures, tables, published numbers."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from dash import html

from reslab.errors import ConfigError
from reslab.files.documents import read_json
from reslab.web.figures import figure_card
from reslab.web.study_charts import draw_panel
from reslab.web.tables import plain_table
from reslab.web.workspace import RESULTS_FILE, Workspace

Document = Mapping[str, Any]

MAX_RESULTS_BYTES = 32 * 2**20
TEST_ERROR = "test error %"
VERDICT_CLASSES = {"reproduced": "reproduced", "not reproduced": "refuted"}


def list_studies_in(workspace: Workspace) -> list[str]:
    """Folders with the stored results of one study each."""
    return [name for name in workspace.list_results() if _is_study(workspace, name)]


def _is_study(workspace: Workspace, name: str) -> bool:
    try:
        return "study" in read_results(workspace, name)
    except ConfigError:
        return False


def read_results(workspace: Workspace, name: str) -> dict[str, Any]:
    """The `results.json` of a folder.

    Raises:
        ConfigError: if it is missing or no JSON object.
    """
    path = workspace.locate(f"{name}/{RESULTS_FILE}")
    if not path.is_file() or path.stat().st_size > MAX_RESULTS_BYTES:
        raise ConfigError(f"{name} holds no results of a study: choose one from the list")
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> dict[str, Any]:
    document = read_json(path)
    if not isinstance(document, dict):
        raise ConfigError(f"{path} is not the results of a study")
    return document


def show_study(workspace: Workspace, name: str) -> list[Any]:
    """All of a study's stored results.

    Raises:
        ConfigError: if they are missing or damaged.
    """
    results = read_results(workspace, name)
    try:
        return [
            html.H2(results["question"]),
            html.P(f"{results['where']} of the paper", className="muted"),
            html.P(results["answer"]),
            _show_claims(results["claims"]),
            html.Div(_show_figures(workspace, name, results), className="columns"),
            *_show_published(results),
            *[_show_table(table) for table in results["tables"]],
            *_show_limits(results["limits"]),
            html.P(["Made by ", html.Code(results["command"])], className="muted"),
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{name}/{RESULTS_FILE} is damaged: make it anew with `reslab report`"
        ) from error


def _show_claims(claims: Sequence[Document]) -> html.Section:
    rows = [
        [
            html.Span(
                claim["verdict"],
                className=f"verdict {VERDICT_CLASSES.get(claim['verdict'], 'untested')}",
            ),
            f"{claim['statement']} ({claim['where']})",
            claim["evidence"],
        ]
        for claim in claims
    ]
    table = plain_table(["verdict", "claim", "evidence"], rows, "What the paper claims")
    return html.Section(table, className="card")


def _show_figures(workspace: Workspace, name: str, results: Document) -> list[Any]:
    shown: list[Any] = []
    for chart in results["charts"]:
        path = workspace.locate(f"{name}/figures/{chart}.json")
        if path.is_file() and path.stat().st_size <= MAX_RESULTS_BYTES:
            shown += _show_chart(path)
    return shown


def _show_chart(path: Path) -> list[Any]:
    chart = read_json(path)
    cards = []
    for i, panel in enumerate(chart["panels"]):
        place = f"-{i + 1}" if len(chart["panels"]) > 1 else ""
        title = panel.get("title") or chart["name"].replace("-", " ").capitalize()
        cards.append(figure_card(f"{chart['name']}{place}", title, draw_panel(panel), height=400))
    return [*cards, html.P(chart["caption"], className="muted caption")]


def _show_published(results: Document) -> list[html.Section]:
    """The paper's numbers beside those of the runs of the same name."""
    measured: dict[str, list[float]] = {}
    for run in results["runs"]:
        if run["test_error_pct"] is not None:
            measured.setdefault(run["label"], []).append(run["test_error_pct"])
    rows = [
        [
            number["label"],
            f"{number['value']:g} {number['unit']}",
            _summarise(measured.get(number["label"], []) if number["unit"] == TEST_ERROR else []),
            number["where"],
        ]
        for number in results["published"]
    ]
    if not rows:
        return []
    setting = results["setting"]
    table = plain_table(
        ["network", "paper, CIFAR-10", f"here, {setting['data']}", "where in the paper"],
        rows,
        "Beside the published numbers",
    )
    note = html.P(
        f"Here: test error at the last of {setting['steps']:,} steps. Numbers of other data, "
        "lengths or widths than the paper's are not to be compared in size.",
        className="muted",
    )
    return [html.Section([table, note], className="card")]


def _summarise(values: Sequence[float]) -> str:
    if not values:
        return "–"
    spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{mean(values):.2f}{spread} % (n = {len(values)})"


def _show_table(table: Document) -> html.Section:
    shown = plain_table(table["columns"], table["rows"], table["title"])
    return html.Section([shown, html.P(table["note"], className="muted")], className="card")


def _show_limits(limits: Sequence[str]) -> list[html.Section]:
    if not limits:
        return []
    listed = html.Ul([html.Li(limit) for limit in limits])
    return [html.Section([html.H3("What this cannot show"), listed], className="card")]
