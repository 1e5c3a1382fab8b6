"""Charts one can hover, turn and zoom, as HTML that needs nothing from the network."""

import math
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from reslab.report.palette import colour
from reslab.report.surfaces import find_surface, span_heights
from reslab.studies.charts import Bars, Chart, Line, LineStyle, Panel, Surface

LINE_STYLES: dict[LineStyle, dict[str, Any]] = {
    "solid": {"width": 1.5},
    "dashed": {"width": 1.5, "dash": "dash"},
    "bold": {"width": 3},
    "points": {"width": 0},
}
PANELS_IN_ROW = 3
SURFACES_IN_ROW = 2
GRID = "rgba(128,128,128,0.25)"


def plotly_script() -> str:
    """The drawing library itself, to be put into the page once."""
    script: str = get_plotlyjs()
    return script


def render_interactive(chart: Chart) -> str:
    """A chart as an HTML element (it needs `plotly_script`)."""
    span = span_heights(chart)
    columns = min(len(chart.panels), PANELS_IN_ROW if span is None else SURFACES_IN_ROW)
    rows = -(-len(chart.panels) // columns)
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[_plain(panel.title) for panel in chart.panels],
        specs=_specs(chart, rows, columns),
        vertical_spacing=None if span is None else 0.06,
    )
    for i, panel in enumerate(chart.panels):
        _draw_panel(figure, panel, i // columns + 1, i % columns + 1)
    if span is not None:
        _share_heights(figure, chart, span)
    figure.update_layout(
        hovermode="x unified" if _has_lines_only(chart) else "closest",
        height=420 * rows + 40,
        margin={"l": 55, "r": 15, "t": 70, "b": 110 if span is None else 20},
        legend={"orientation": "h", "y": -0.2},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#777"},
        barmode="group",
    )
    html: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"responsive": True, "displaylogo": False},
        div_id=f"chart-{chart.name}",
    )
    return html


def _plain(text: str) -> str:
    """Text that the drawing library, which knows some HTML, shows as it is."""
    return escape(text, quote=False)


def _has_lines_only(chart: Chart) -> bool:
    return all(isinstance(mark, Line) for panel in chart.panels for mark in panel.marks)


def _specs(chart: Chart, rows: int, columns: int) -> list[list[dict[str, str] | None]]:
    kinds: list[dict[str, str] | None] = [
        {"type": "scene" if find_surface(panel) is not None else "xy"} for panel in chart.panels
    ]
    kinds += [None] * (rows * columns - len(kinds))
    return [kinds[row * columns : (row + 1) * columns] for row in range(rows)]


def _draw_panel(figure: go.Figure, panel: Panel, row: int, column: int) -> None:
    for mark in panel.marks:
        figure.add_trace(_trace(mark), row=row, col=column)
    place = {"row": row, "col": column}
    surface = find_surface(panel)
    if surface is not None:
        figure.update_scenes(
            xaxis_title=_plain(panel.x_label),
            yaxis_title=_plain(panel.y_label),
            zaxis_title=_plain(surface.height_label),
            **place,
        )
        return
    scale = {True: "log", False: None}
    figure.update_xaxes(
        title_text=_plain(panel.x_label), gridcolor=GRID, type=scale[panel.log_x], **place
    )
    figure.update_yaxes(
        title_text=_plain(panel.y_label), gridcolor=GRID, type=scale[panel.log_y], **place
    )
    if panel.y_range is not None and not panel.log_y:
        figure.update_yaxes(range=panel.y_range, **place)


def _trace(mark: Line | Bars | Surface) -> go.Scatter | go.Bar | go.Surface:
    if isinstance(mark, Line):
        return _line(mark)
    if isinstance(mark, Bars):
        return _bars(mark)
    return _surface(mark)


def _surface(surface: Surface) -> go.Surface:
    # Logarithms by hand: a logarithmic axis leaves colours and contours linear.
    heights = np.array(surface.z)
    return go.Surface(
        x=surface.x,
        y=surface.y,
        z=np.log10(heights) if surface.log else heights,
        customdata=heights,
        hovertemplate="%{x:.3g}, %{y:.3g}: %{customdata:.4g}",
        name=_plain(surface.label),
        coloraxis="coloraxis",
        contours={"z": {"show": True, "project": {"z": True}, "usecolormap": True}},
    )


def _share_heights(figure: go.Figure, chart: Chart, span: tuple[float, float]) -> None:
    """One scale of heights and colours for all of a chart's surfaces."""
    low, high = span
    ticks: dict[str, Any] = {}
    surface = next(s for panel in chart.panels if (s := find_surface(panel)) is not None)
    if surface.log:
        low, high = math.log10(low), math.log10(high)
        decades = range(math.ceil(low), math.floor(high) + 1)
        ticks = {"tickvals": [*decades], "ticktext": [f"{10.0**d:g}" for d in decades]}
    figure.update_scenes(
        zaxis={"range": [low, high], **ticks},
        aspectmode="cube",
        camera={"eye": {"x": 1.5, "y": -1.9, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.1}},
    )
    bar = {"title": _plain(surface.height_label), "len": 0.8, **ticks}
    figure.update_layout(
        coloraxis={"colorscale": "Viridis", "cmin": low, "cmax": high, "colorbar": bar}
    )


def _line(line: Line) -> go.Scatter:
    spread = [f"{a:.3g} to {b:.3g}" for a, b in zip(line.low, line.high, strict=True)]
    return go.Scatter(
        x=line.x,
        y=line.y,
        customdata=spread or None,
        name=_plain(line.label),
        showlegend=bool(line.label),
        mode="markers" if line.style == "points" else "lines",
        line={"color": colour(line.colour), **LINE_STYLES[line.style]},
        hovertemplate="%{y:.4g}" + (" (%{customdata})" if spread else ""),
    )


def _bars(bars: Bars) -> go.Bar:
    errors = None
    if bars.low:
        errors = {
            "type": "data",
            "array": [high - v for high, v in zip(bars.high, bars.values, strict=True)],
            "arrayminus": [v - low for low, v in zip(bars.low, bars.values, strict=True)],
        }
    return go.Bar(
        x=[_plain(name) for name in bars.names],
        y=bars.values,
        name=_plain(bars.label),
        error_y=errors,
        marker={"color": colour(bars.colour)},
    )
