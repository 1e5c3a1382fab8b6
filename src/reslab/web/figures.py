"""Figures that can be saved as PNG, SVG and data."""

from html import escape as html_text
from typing import Any

from dash import ALL, MATCH, Dash, Input, Output, dcc, html

from reslab.web.browser import in_browser
from reslab.web.controls import aria

Figure = dict[str, Any]

# Saved files are dark on white, whatever the page looks like; the style sheet recolours the rest.
INK, GRID = "#1d2430", "rgba(128,128,128,0.28)"
FORMATS = {"png": "PNG", "svg": "SVG", "csv": "data"}
CONFIG: Any = {"displayModeBar": False, "responsive": True, "doubleClick": "reset"}
AXIS = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "automargin": True}


def style_figure(figure: Figure) -> Figure:
    """The same figure with the look that all have."""
    layout = dict(figure.get("layout", {}))
    for name in [key for key in layout if key.startswith(("xaxis", "yaxis"))]:
        layout[name] = {**AXIS, **layout[name]}
    base = {
        "font": {"color": INK, "size": 13, "family": "system-ui, sans-serif"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 56, "r": 16, "t": 16, "b": 48},
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
        "xaxis": AXIS,
        "yaxis": AXIS,
    }
    return {"data": list(map(_escape, figure["data"])), "layout": {**base, **layout}}


def _escape(trace: dict[str, Any]) -> dict[str, Any]:
    """Texts as texts: the drawing library would take what looks like a tag for one."""
    texts = {key: trace[key] for key in ("name", "text", "x", "y") if key in trace}
    return {**trace, **{key: _escape_texts(value) for key, value in texts.items()}}


def _escape_texts(value: Any) -> Any:
    if isinstance(value, str):
        return html_text(value, quote=False)
    if isinstance(value, list | tuple) and value and isinstance(value[0], str):
        return [_escape_texts(one) for one in value]
    return value


def empty_figure(message: str) -> Figure:
    """No axes, a sentence in the middle."""
    hidden = {"visible": False}
    note = {"text": message, "showarrow": False, "x": 0.5, "y": 0.5, "xref": "paper"}
    layout = {"xaxis": hidden, "yaxis": hidden, "annotations": [{**note, "yref": "paper"}]}
    return style_figure({"data": [], "layout": layout})


def graph_of(name: str) -> dict[str, str]:
    """Which component draws a figure."""
    return {"figure": name, "part": "graph"}


def figure_card(name: str, title: str, figure: Figure, *, height: int = 420) -> html.Figure:
    """A figure with its title and the buttons that save it.

    Args:
        name: unique on the page; the saved files are called so.
        title: what is seen.
        figure: data and layout.
        height: in pixels, kept free while the figure is drawn.
    """
    return html.Figure(
        [
            html.Figcaption(title),
            # The height is kept free while the drawing library is still loading.
            html.Div(
                dcc.Graph(
                    id=graph_of(name),
                    figure=style_figure(figure),
                    config=CONFIG,
                    responsive=True,
                    style={"height": "100%"},
                ),
                style={"height": f"{height}px"},
            ),
            save_buttons("figure", name, title),
        ],
        className="card",
    )


def save_buttons(kind: str, name: str, title: str) -> html.Div:
    """A button for each format; `kind` and `name` are those of what is saved."""
    buttons = [
        html.Button(
            label,
            id={kind: name, "format": key},
            type="button",
            className="quiet",
            **aria(label=f"Save {title} as {label}"),
        )
        for key, label in FORMATS.items()
    ]
    saved = dcc.Store(id={kind: name, "part": "saved"})
    return html.Div([html.Span("Save as"), *buttons, saved], className="save")


def register(app: Dash) -> None:
    """Let every figure's buttons save it; the browser does that by itself."""
    in_browser(
        app,
        "save_figure",
        Output({"figure": MATCH, "part": "saved"}, "data"),
        Input({"figure": MATCH, "format": ALL}, "n_clicks"),
    )
