"""Deleted and swapped blocks as tables and as a chart in the manner of Veit et al.'s figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reslab.analysis.statistics import summarise
from reslab.studies.charts import Chart, Line, Panel
from reslab.studies.findings import Cell, Table
from reslab.studies.lesions_claims import list_rises
from reslab.studies.measuring import Measured


def tabulate_single(nets: Sequence[Measured]) -> Table:
    """What the loss of one block costs."""
    rows: list[tuple[Cell, ...]] = []
    for label, same in _by_label(nets).items():
        whole = [net.values["error_pct"] for net in same]
        rises = {
            regular: [float(np.mean(list_rises(net, regular=regular))) for net in same]
            for regular in (True, False)
        }
        rows.append(
            (
                label,
                len(same),
                summarise(whole).to_text(),
                _text([a + b for a, b in zip(whole, rises[True], strict=True)]),
                _text([a + b for a, b in zip(whole, rises[False], strict=True)]),
                _name_worst(same),
            )
        )
    images = nets[0].values["images"] if nets else 0
    return Table(
        title="Test error % without one block",
        columns=(
            "network",
            "n",
            "whole",
            "one keeping the shape",
            "one changing it",
            "worst",
        ),
        rows=tuple(rows),
        note=f"On {images:,} test images; mean over the blocks, then mean ± standard deviation "
        "over n nets. A residual block loses F and keeps its shortcut; a plain block is left out, "
        "or becomes option A's subsampling and zero channels where it changes the maps' shape.",
    )


def tabulate_several(nets: Sequence[Measured]) -> Table:
    """What the loss of several blocks costs, by the share lost."""
    rows: list[tuple[Cell, ...]] = []
    for label, same in _by_label(nets).items():
        by_count = _by_count(same)
        regular = len(same[0].values["regular"])
        rows += [
            (label, f"{count} of {regular}", _text(errors), f"{min(errors):.1f}–{max(errors):.1f}")
            for count, errors in by_count.items()
        ]
    return Table(
        title="Test error % without several blocks",
        columns=("network", "deleted", "error", "range"),
        rows=tuple(rows),
        note="Random choices among the blocks that keep the maps' shape; mean ± standard deviation "
        "over choices and nets.",
    )


def chart_lesions(nets: Sequence[Measured]) -> Chart:
    """Error against the block deleted, against the number deleted, and against the disorder."""
    by_label = _by_label(nets)
    single: list[Line] = []
    several: list[Line] = []
    swapped: list[Line] = []
    for i, (label, same) in enumerate(by_label.items()):
        single += _draw_single(label, same, i)
        several.append(_draw_several(label, same, i))
        pairs = [pair for net in same for pair in net.values["swapped"]]
        swapped.append(
            Line(
                label=label,
                x=tuple(1 - tau for tau, _ in pairs),
                y=tuple(error for _, error in pairs),
                colour=i,
                style="points",
            )
        )
    return Chart(
        name="lesions",
        caption="Test error of trained nets: without each block in turn (dashed: the whole net); "
        "without several chosen at random (mean, and all choices as a band); with blocks swapped "
        "within their stages (a point is one order).",
        panels=(
            _panel("one block deleted", "block deleted", single),
            _panel("several deleted", "share of blocks deleted (%)", several),
            _panel("blocks swapped", "disorder, 1 − Kendall's τ", swapped),
        ),
    )


def _draw_single(label: str, nets: Sequence[Measured], colour: int) -> list[Line]:
    errors = np.array([net.values["single"] for net in nets])
    places = tuple(range(1, errors.shape[1] + 1))
    whole = float(np.mean([net.values["error_pct"] for net in nets]))
    return [
        Line(
            label=label,
            x=places,
            y=_floats(errors.mean(axis=0)),
            low=_floats(errors.min(axis=0)) if len(nets) > 1 else (),
            high=_floats(errors.max(axis=0)) if len(nets) > 1 else (),
            colour=colour,
        ),
        Line(
            label="",
            x=(places[0], places[-1]),
            y=(whole, whole),
            colour=colour,
            style="dashed",
        ),
    ]


def _draw_several(label: str, nets: Sequence[Measured], colour: int) -> Line:
    whole = [net.values["error_pct"] for net in nets]
    by_count = {0: whole, **_by_count(nets)}
    blocks = max(1, len(nets[0].values["regular"]))
    return Line(
        label=label,
        x=tuple(100 * count / blocks for count in by_count),
        y=tuple(float(np.mean(errors)) for errors in by_count.values()),
        low=tuple(min(errors) for errors in by_count.values()),
        high=tuple(max(errors) for errors in by_count.values()),
        colour=colour,
    )


def _panel(title: str, x_label: str, marks: Sequence[Line]) -> Panel:
    return Panel(
        title=title, x_label=x_label, y_label="test error (%)", marks=tuple(marks), y_range=(0, 102)
    )


def _by_label(nets: Sequence[Measured]) -> dict[str, list[Measured]]:
    labels = dict.fromkeys(net.label for net in nets)
    return {label: [net for net in nets if net.label == label] for label in labels}


def _by_count(nets: Sequence[Measured]) -> dict[int, list[float]]:
    pairs = [pair for net in nets for pair in net.values["several"]]
    counts = sorted({count for count, _ in pairs})
    return {count: [error for c, error in pairs if c == count] for count in counts}


def _name_worst(nets: Sequence[Measured]) -> str:
    errors = np.mean([net.values["single"] for net in nets], axis=0)
    worst = int(np.argmax(errors))
    return f"{errors[worst]:.1f} ({nets[0].values['blocks'][worst]})"


def _text(values: Sequence[float]) -> str:
    return summarise(values).to_text()


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
