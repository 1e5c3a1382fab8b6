"""A study's stored charts as figures, one for each panel."""

from collections.abc import Mapping, Sequence
from typing import Any

from reslab.report.palette import colour
from reslab.web.figures import Figure

Document = Mapping[str, Any]

STYLES: dict[str, dict[str, Any]] = {
    "solid": {"width": 1.5},
    "dashed": {"width": 1.5, "dash": "dash"},
    "bold": {"width": 3},
    "points": {"width": 0},
}


def draw_panel(panel: Document) -> Figure:
    """Lines, bars or a surface as they were stored.

    Args:
        panel: of a chart, in plain JSON types, as `reslab.studies.charts` describes it.

    Raises:
        KeyError: if it is of another kind; so do TypeError and ValueError.
    """
    traces: list[dict[str, Any]] = []
    for mark in panel["marks"]:
        traces += _draw_mark(mark)
    layout: dict[str, Any] = {
        "xaxis": _axis(panel["x_label"], log=bool(panel["log_x"])),
        "yaxis": _axis(panel["y_label"], log=bool(panel["log_y"])),
        "barmode": "group",
        "showlegend": True,
    }
    if panel.get("y_range") and not panel["log_y"]:
        layout["yaxis"]["range"] = list(panel["y_range"])
    return {"data": traces, "layout": layout}


def _axis(title: str, *, log: bool) -> dict[str, Any]:
    words = {"text": title, "standoff": 8}
    return {"title": words, "type": "log" if log else "-", "exponentformat": "power"}


def _draw_mark(mark: Document) -> list[dict[str, Any]]:
    if "z" in mark:
        return [_contours(mark)]
    if "values" in mark:
        return [_bars(mark)]
    return [*_band(mark), _line(mark)]


def _line(mark: Document) -> dict[str, Any]:
    # A label that is an underscore names another line of what has been named already.
    is_named = mark["label"] != "_"
    return {
        "type": "scatter",
        "mode": "markers" if mark["style"] == "points" else "lines",
        "name": mark["label"] if is_named else "",
        "showlegend": is_named,
        "x": mark["x"],
        "y": mark["y"],
        "line": {"color": colour(mark["colour"]), **STYLES[mark["style"]]},
    }


def _band(mark: Document) -> list[dict[str, Any]]:
    if not mark["low"]:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"{mark['label']}, lowest to highest",
            "x": [*mark["x"], *reversed(mark["x"])],
            "y": [*mark["low"], *reversed(mark["high"])],
            "fill": "toself",
            "fillcolor": colour(mark["colour"]),
            "opacity": 0.18,
            "line": {"width": 0},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]


def _bars(mark: Document) -> dict[str, Any]:
    bars: dict[str, Any] = {
        "type": "bar",
        "name": mark["label"],
        "x": mark["names"],
        "y": mark["values"],
        "marker": {"color": colour(mark["colour"])},
    }
    if mark["low"]:
        bars["error_y"] = {
            "type": "data",
            "array": _distances(mark["values"], mark["high"]),
            "arrayminus": _distances(mark["low"], mark["values"]),
        }
    return bars


def _distances(lower: Sequence[float], upper: Sequence[float]) -> list[float]:
    return [high - low for low, high in zip(lower, upper, strict=True)]


def _contours(mark: Document) -> dict[str, Any]:
    return {
        "type": "contour",
        "name": mark["label"],
        "x": mark["x"],
        "y": mark["y"],
        "z": mark["z"],
        "colorscale": "Viridis",
        "contours": {"coloring": "lines", "showlabels": True},
        "ncontours": 15,
        "showscale": False,
    }
