"""Charts as PNG, SVG and data, in the manner of the paper's figures."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reslab.files.documents import write_json
from reslab.report.palette import colour
from reslab.report.surfaces import draw_surfaces, span_heights
from reslab.studies.charts import Bars, Chart, Line, LineStyle, Panel, Surface

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "reslab",
}
LINE_STYLES: dict[LineStyle, dict[str, Any]] = {
    "solid": {"lw": 1.2},
    "dashed": {"lw": 1.2, "ls": "--"},
    "bold": {"lw": 2.4},
    "points": {"lw": 0.0, "marker": "o", "ms": 4},
}
PANELS_IN_ROW = 3
PANEL_INCHES, LEGEND_ROW_INCHES, LEGEND_COLUMNS = 3.5, 0.17, 2


def render_chart(chart: Chart, folder: Path) -> Path:
    """Write a chart as `NAME.png`, `NAME.svg` and its data as `NAME.json`.

    Returns:
        The PNG file.
    """
    rows = -(-len(chart.panels) // PANELS_IN_ROW)
    columns = min(len(chart.panels), PANELS_IN_ROW)
    with mpl.rc_context(STYLE):
        span = span_heights(chart)
        if span is not None:
            return _save(draw_surfaces(chart, span), chart, folder)
        height = rows * (PANEL_INCHES + LEGEND_ROW_INCHES * _count_legend_rows(chart))
        figure = Figure(figsize=(max(4.6 * columns, 5.5), height), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes, panel in zip(grid, chart.panels, strict=False):
            _draw_panel(axes, panel)
        for axes in grid[len(chart.panels) :]:
            axes.remove()
        return _save(figure, chart, folder)


def _count_legend_rows(chart: Chart) -> int:
    """Of the panel with the most names."""
    names = (
        sum(not isinstance(mark, Surface) and mark.label not in {"", "_"} for mark in panel.marks)
        for panel in chart.panels
    )
    return -(-max(names, default=0) // LEGEND_COLUMNS)


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.set(title=_plain(panel.title), xlabel=_plain(panel.x_label), ylabel=_plain(panel.y_label))
    for mark in panel.marks:
        _draw(axes, mark)
    _draw_bars(axes, [mark for mark in panel.marks if isinstance(mark, Bars)])
    if panel.log_x:
        axes.set_xscale("log")
    if panel.log_y:
        axes.set_yscale("log")
    if panel.y_range is not None:
        axes.set_ylim(*panel.y_range)
    axes.grid(visible=True, alpha=0.25)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(
            frameon=False,
            fontsize=7,
            ncols=LEGEND_COLUMNS,
            # Below the axes, where it covers no curve.
            loc="upper center",
            bbox_to_anchor=(0.5, -0.17),
        )


def _plain(text: str) -> str:
    # Between two dollar signs matplotlib reads mathematics, and fails where it is none.
    return text.replace("$", r"\$")


def _draw(axes: Axes, mark: Line | Bars | Surface) -> None:
    if isinstance(mark, Line):
        y = [float("nan") if value is None else value for value in mark.y]
        label = _plain(mark.label)
        axes.plot(mark.x, y, color=colour(mark.colour), label=label, **LINE_STYLES[mark.style])
        if mark.low:
            axes.fill_between(
                mark.x, mark.low, mark.high, color=colour(mark.colour), alpha=0.15, lw=0
            )


def _draw_bars(axes: Axes, groups: list[Bars]) -> None:
    for i, bars in enumerate(groups):
        places = np.arange(len(bars.names)) + (i - (len(groups) - 1) / 2) * 0.8 / len(groups)
        values = np.array(bars.values)
        errors = np.abs(np.array([bars.low, bars.high]) - values) if bars.low else None
        axes.bar(
            places,
            values,
            width=0.8 / len(groups),
            yerr=errors,
            color=colour(bars.colour),
            label=_plain(bars.label),
            capsize=3,
        )
        rotation = 45 if sum(map(len, bars.names)) > 45 else 0
        axes.set_xticks(
            np.arange(len(bars.names)),
            [_plain(name) for name in bars.names],
            rotation=rotation,
            ha="right" if rotation else "center",
        )


def _save(figure: Figure, chart: Chart, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    png = folder / f"{chart.name}.png"
    figure.savefig(png, dpi=160)
    figure.savefig(folder / f"{chart.name}.svg", metadata={"Date": None})
    write_json(folder / f"{chart.name}.json", asdict(chart))
    return png
