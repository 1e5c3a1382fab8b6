"""Surfaces as still pictures: in space above, as contours below, all of a chart on one scale."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from reslab.studies.charts import Chart, Panel, Surface

COLOURS = "viridis"
LEVELS_A_DECADE = 4
LINEAR_LEVELS = 15
PANELS_IN_ROW = 4


def find_surface(panel: Panel) -> Surface | None:
    """The panel's surface, if it has one."""
    return next((mark for mark in panel.marks if isinstance(mark, Surface)), None)


def span_heights(chart: Chart) -> tuple[float, float] | None:
    """Lowest and highest of all of a chart's surfaces; None without any."""
    heights = [
        height
        for panel in chart.panels
        if (surface := find_surface(panel)) is not None
        for row in surface.z
        for height in row
    ]
    return (min(heights), max(heights)) if heights else None


def draw_surfaces(chart: Chart, span: tuple[float, float]) -> Figure:
    """A figure with two rows for each row of panels, all of which have a surface.

    Args:
        chart: what to draw.
        span: its `span_heights`.
    """
    columns = min(len(chart.panels), PANELS_IN_ROW)
    rows = -(-len(chart.panels) // columns)
    figure = Figure(
        figsize=(3.6 * columns + 0.8, 6.2 * rows), layout=ConstrainedLayoutEngine(w_pad=0.2)
    )
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[1.25, 1] * rows)
    flat: list[Axes] = []
    pairs = [(panel, surface) for panel in chart.panels if (surface := find_surface(panel))]
    for i, (panel, surface) in enumerate(pairs):
        row, column = 2 * (i // columns), i % columns
        space = figure.add_subplot(grid[row, column], projection="3d")
        _draw_in_space(space, panel, surface, span)
        flat.append(figure.add_subplot(grid[row + 1, column]))
        _draw_contours(flat[-1], panel, surface, span)
    drawn, surface = flat[0].collections[0], pairs[0][1]
    levels = choose_levels(span, log=surface.log)
    named = _choose_named(levels, log=surface.log)
    figure.colorbar(
        drawn, ax=flat, label=surface.height_label, ticks=named, format="%g", shrink=0.9, pad=0.02
    )
    return figure


def _draw_in_space(axes: Any, panel: Panel, surface: Surface, span: tuple[float, float]) -> None:
    # `Any` because matplotlib's axes in space carry no types.
    scale = np.log10 if surface.log else np.asarray
    low, high = (float(scale(end)) for end in span)
    x, y = np.meshgrid(surface.x, surface.y)
    axes.plot_surface(
        x, y, scale(np.array(surface.z)), cmap=COLOURS, vmin=low, vmax=high, rstride=1, cstride=1,
        linewidth=0.2, edgecolor="#0003",
    )  # fmt: skip
    axes.set(title=panel.title, zlim=(low, max(high, low + 1e-9)))
    axes.view_init(elev=28, azim=-60)
    if surface.log:
        decades = np.arange(np.ceil(low), np.floor(high) + 1)
        axes.set_zticks(decades, [f"$10^{{{decade:.0f}}}$" for decade in decades])
    axes.tick_params(labelsize=6, pad=-2)


def _draw_contours(axes: Axes, panel: Panel, surface: Surface, span: tuple[float, float]) -> None:
    levels = choose_levels(span, log=surface.log)
    norm = (LogNorm if surface.log else Normalize)(levels[0], levels[-1])
    axes.contourf(surface.x, surface.y, surface.z, levels=levels, cmap=COLOURS, norm=norm)
    lines = axes.contour(
        surface.x, surface.y, surface.z, levels=levels, colors="white", linewidths=0.4
    )
    axes.clabel(lines, _choose_named(levels, log=surface.log), fontsize=6, fmt="%.4g")
    axes.plot(0, 0, "+", color="white", ms=7)
    axes.set(xlabel=panel.x_label, ylabel=panel.y_label, aspect="equal")


def choose_levels(span: tuple[float, float], *, log: bool) -> NDArray[np.float64]:
    """Heights of the contours, which hold the whole span."""
    low, high = span
    if not log:
        return np.linspace(low, high if high > low else low + 1, LINEAR_LEVELS)
    first = np.floor(np.log10(low) * LEVELS_A_DECADE)
    last = np.ceil(np.log10(high) * LEVELS_A_DECADE)
    exponents = np.arange(first, max(last, first + 1) + 1) / LEVELS_A_DECADE
    levels: NDArray[np.float64] = 10.0**exponents
    return levels


def _choose_named(levels: NDArray[np.float64], *, log: bool) -> NDArray[np.float64]:
    """The heights whose numbers are written: whole powers of ten, or every other one."""
    exponents = np.log10(levels) if log else np.arange(len(levels)) / 2
    named: NDArray[np.float64] = levels[np.isclose(exponents, exponents.round())]
    return named
