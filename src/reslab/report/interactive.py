"""Curves one can hover, as HTML that needs nothing from the network."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from reslab.report.curves import Curve, NetworkCurves
from reslab.report.figures import colour_of


def plotly_script() -> str:
    """The drawing library itself, to be put into the page once."""
    script: str = get_plotlyjs()
    return script


def render_interactive(curves: Sequence[NetworkCurves]) -> str:
    """Plain and residual nets side by side as an HTML element (it needs `plotly_script`)."""
    figure = make_subplots(1, 2, shared_yaxes=True, subplot_titles=("plain nets", "residual nets"))
    for net in curves:
        column = 1 if net.family == "plain" else 2
        colour = colour_of(net, [c.depth for c in curves])
        figure.add_trace(_trace(net, net.train, colour, "training"), row=1, col=column)
        figure.add_trace(_trace(net, net.test, colour, "test"), row=1, col=column)
    figure.update_yaxes(range=[0, 100], gridcolor="rgba(128,128,128,0.25)")
    figure.update_yaxes(title_text="error (%)", col=1)
    figure.update_xaxes(title_text="steps", gridcolor="rgba(128,128,128,0.25)")
    figure.update_layout(
        hovermode="x unified",
        height=460,
        margin={"l": 55, "r": 15, "t": 70, "b": 110},
        legend={"orientation": "h", "y": -0.2},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#777"},
    )
    html: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"responsive": True, "displaylogo": False},
        div_id="curves",
    )
    return html


def _trace(net: NetworkCurves, curve: Curve, colour: str, part: str) -> go.Scatter:
    spread = [f"{low:.1f} to {high:.1f}" for low, high in zip(curve.low, curve.high, strict=True)]
    return go.Scatter(
        x=curve.steps,
        y=curve.mean,
        customdata=spread,
        name=f"{net.network} {part}",
        line={
            "color": colour,
            "dash": "dash" if part == "training" else "solid",
            "width": 1.5 if part == "training" else 3,
        },
        hovertemplate=f"{part} %{{y:.1f}} % (seeds: %{{customdata}})",
    )
