"""Curves of chosen runs: training dashed, test bold (He et al. 2016, Fig. 4 and 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reslab.report.palette import colour
from reslab.runs.metrics import Record

Quantity = Literal["error", "loss"]
Axis = Literal["steps", "time"]
Part = Literal["training", "validation", "test"]
Numbers = NDArray[np.float64]

SOURCES: dict[tuple[Part, Quantity], tuple[str, str]] = {
    ("training", "error"): ("train", "running_train_error_pct"),
    ("training", "loss"): ("train", "loss"),
    ("validation", "error"): ("evaluation", "validation_error_pct"),
    ("validation", "loss"): ("evaluation", "validation_loss"),
    ("test", "error"): ("evaluation", "test_error_pct"),
    ("test", "loss"): ("evaluation", "test_loss"),
}
STYLES: dict[Part, dict[str, Any]] = {
    "training": {"width": 1.5, "dash": "dash"},
    "validation": {"width": 1.5, "dash": "dot"},
    "test": {"width": 3},
}
SMALLEST_ERROR_PCT = 0.001
"""On a logarithmic axis; below it smoothing shows what no data set is large enough to measure."""
MAX_POINTS = 1_000
"""In one line; more are thinned out evenly."""


@dataclass(frozen=True, kw_only=True)
class CurveOptions:
    """How curves are shown."""

    quantity: Quantity = "error"
    against: Axis = "steps"
    parts: tuple[Part, ...] = ("training", "test")
    smoothing: float = 0.0
    """From 0, as measured, to below 1: the weight of what came before."""
    log_x: bool = False
    log_y: bool = False
    band: bool = False
    """Runs that differ in their seed alone become one line, with a band from the lowest to the
    highest."""


@dataclass(frozen=True, kw_only=True)
class MeasuredRun:
    """A run as it is drawn."""

    label: str
    group: str
    """Equal for runs that differ in their seed alone."""
    group_label: str
    records: Sequence[Record]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line: [N] numbers each; `low` and `high` only of a band."""

    label: str
    part: Part
    colour: int
    x: Numbers
    y: Numbers
    low: Numbers | None = None
    high: Numbers | None = None


def make_curves(runs: Sequence[MeasuredRun], options: CurveOptions) -> list[Curve]:
    """All lines, in the order of the runs; a line for each run, or for each group of seeds."""
    groups: dict[str, list[MeasuredRun]] = {}
    for run in runs:
        groups.setdefault(run.group if options.band else run.label, []).append(run)
    curves = []
    for index, members in enumerate(groups.values()):
        for part in options.parts:
            curve = _make_curve(members, part, index, options)
            if curve is not None:
                curves.append(curve)
    return curves


def _make_curve(
    runs: Sequence[MeasuredRun], part: Part, index: int, options: CurveOptions
) -> Curve | None:
    series = [_take(run.records, part, options.quantity) for run in runs]
    # A run that has not been measured yet does not hide the others.
    series = [one for one in series if len(one)]
    if not series:
        return None
    common = sorted(set.intersection(*(set(one[:, 0]) for one in series)))
    chosen = [one[np.isin(one[:, 0], common)] for one in series]
    values = np.stack([smooth(one[:, 2], options.smoothing) for one in chosen])
    seconds = np.mean([one[:, 1] for one in chosen], axis=0)
    x = np.array(common) if options.against == "steps" else seconds / 60
    if options.log_y and options.quantity == "error":
        values[values < SMALLEST_ERROR_PCT] = np.nan
    kept = _thin(len(x))
    is_band = len(chosen) > 1
    label = runs[0].label if len(runs) == 1 else f"{runs[0].group_label}, {len(chosen)} seeds"
    return Curve(
        label=label,
        part=part,
        colour=index,
        x=x[kept],
        y=values.mean(axis=0)[kept],
        low=values.min(axis=0)[kept] if is_band else None,
        high=values.max(axis=0)[kept] if is_band else None,
    )


def _take(records: Sequence[Record], part: Part, quantity: Quantity) -> Numbers:
    """[N, 3]: step, seconds, value; measurements that were no numbers are left out."""
    kind, key = SOURCES[part, quantity]
    found = {
        record["step"]: (record["step"], record.get("elapsed_seconds") or 0.0, record[key])
        for record in records
        if record.get("kind") == kind and isinstance(record.get(key), int | float)
    }
    return np.array(list(found.values()), dtype=np.float64).reshape(-1, 3)


def smooth(values: Numbers, weight: float) -> Numbers:
    """Exponential moving average [N], with the start weighed as if nothing came before.

    s_t = weight · s_{t-1} + (1 - weight) · v_t, divided by 1 - weight^t.

    Args:
        values: [N].
        weight: at least 0 and below 1.
    """
    if weight <= 0:
        return values
    smoothed, average = np.empty_like(values), 0.0
    for i, value in enumerate(values):
        average = weight * average + (1 - weight) * value
        smoothed[i] = average / (1 - weight ** (i + 1))
    return smoothed


def _thin(count: int) -> NDArray[np.int64]:
    """Indices of at most `MAX_POINTS` of `count` points, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, MAX_POINTS)).round().astype(np.int64))


def draw_curves(curves: Sequence[Curve], options: CurveOptions) -> dict[str, Any]:
    """The figure: data and axes for the browser to draw."""
    traces: list[dict[str, Any]] = []
    # One entry a run, by its boldest line; it hides and shows them all.
    shown = {curve.label: curve.part for curve in curves}
    for curve in curves:
        if curve.low is not None and curve.high is not None:
            traces.append(_band(curve))
        traces.append(_line(curve, in_legend=curve.part == shown[curve.label]))
    return {"data": traces, "layout": _lay_out(options)}


def _lay_out(options: CurveOptions) -> dict[str, Any]:
    y_title = "error (%)" if options.quantity == "error" else "loss"
    x_title = "steps" if options.against == "steps" else "minutes of training"
    return {
        "xaxis": _axis(x_title, log=options.log_x),
        "yaxis": {**_axis(y_title, log=options.log_y), "rangemode": "tozero"},
        "hovermode": "closest",
        # Zooming survives new points, but not other axes.
        "uirevision": f"{options.quantity} {options.against} {options.log_x} {options.log_y}",
    }


def _axis(title: str, *, log: bool) -> dict[str, Any]:
    words = {"text": title, "standoff": 8}
    return {"title": words, "type": "log" if log else "linear", "exponentformat": "power"}


def _line(curve: Curve, *, in_legend: bool) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(curve.x) == 1 else "lines",
        "name": f"{curve.label} · {curve.part}",
        "legendgroup": curve.label,
        "showlegend": in_legend,
        "x": _plain(curve.x),
        "y": _plain(curve.y),
        "line": {"color": colour(curve.colour), **STYLES[curve.part]},
        "hovertemplate": "%{y:.4g} at %{x:.5g}<extra>%{fullData.name}</extra>",
    }


def _band(curve: Curve) -> dict[str, Any]:
    """The lower edge forth and the upper edge back, filled."""
    assert curve.low is not None  # noqa: S101 - for the type checker
    assert curve.high is not None  # noqa: S101
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{curve.label} · {curve.part}, lowest to highest",
        "x": _plain(np.concatenate([curve.x, curve.x[::-1]])),
        "y": _plain(np.concatenate([curve.low, curve.high[::-1]])),
        "legendgroup": curve.label,
        "fill": "toself",
        "fillcolor": colour(curve.colour),
        "opacity": 0.18,
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _plain(values: Numbers) -> list[float | None]:
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]
