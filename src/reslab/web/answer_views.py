"""How a network's answer to an image is shown."""

import base64
import io
from typing import Any

from dash import html
from PIL import Image

from reslab.data.images import Pixels
from reslab.report.palette import colour
from reslab.web.classification import Answer
from reslab.web.figures import Figure, figure_card

# Clear where nothing speaks for the class, so that the image is seen through.
MAP_COLOURS = [[0, "rgba(255,225,60,0)"], [0.5, "rgba(255,160,0,0.5)"], [1, "rgba(214,20,0,0.85)"]]
SIDE_PX = 260


def show_answer(answer: Answer, name: str, weights: str, colour_index: int) -> html.Div:
    """The most likely classes as bars, and the evidence for the first over what was seen.

    Args:
        answer: of one network to one image.
        name: unique on the page.
        weights: what the network is called.
        colour_index: which of the palette its bars have.
    """
    first = answer.candidates[0]
    times = f"{1000 * answer.network_seconds:.0f} ms for the answer"
    if answer.evidence is not None:
        times += f", {1000 * answer.evidence_seconds:.0f} ms for the evidence"
    title = f"Evidence for {first.name}" if answer.evidence is not None else "What was seen"
    return html.Div(
        [
            html.H3(weights),
            html.P(f"{first.name}, {100 * first.probability:.1f} %", className="answer"),
            html.P(times, className="muted"),
            figure_card(
                f"{name}-classes",
                "Most likely classes",
                _draw_bars(answer, colour_index),
                height=70 + 30 * len(answer.candidates),
            ),
            figure_card(f"{name}-evidence", title, _draw_evidence(answer), height=SIDE_PX + 20),
        ]
    )


def _draw_bars(answer: Answer, colour_index: int) -> Figure:
    percents = [round(100 * one.probability, 6) for one in answer.candidates]
    bars = {
        "type": "bar",
        "orientation": "h",
        "name": "probability (%)",
        "x": percents,
        "y": [one.name for one in answer.candidates],
        "text": [f"{percent:.1f} %" for percent in percents],
        "textposition": "auto",
        "cliponaxis": False,
        "marker": {"color": colour(colour_index)},
        "hovertemplate": "%{y}: %{x} %<extra></extra>",
    }
    layout = {
        "xaxis": {"range": [0, 112], "showticklabels": False, "showgrid": False},
        "yaxis": {"autorange": "reversed", "type": "category"},
        "margin": {"l": 16, "r": 16, "t": 8, "b": 8},
    }
    return {"data": [bars], "layout": layout}


def _draw_evidence(answer: Answer) -> Figure:
    traces: list[dict[str, Any]] = []
    if answer.evidence is not None:
        traces.append(
            {
                "type": "heatmap",
                "name": f"evidence for {answer.candidates[0].name}",
                "z": [[round(float(value), 3) for value in row] for row in answer.evidence],
                "zmin": 0,
                "zmax": 1,
                "zsmooth": "best",
                "colorscale": MAP_COLOURS,
                "showscale": False,
                "hovertemplate": "evidence %{z:.2f}<extra></extra>",
            }
        )
    side = 1 if answer.evidence is None else len(answer.evidence)
    picture = {
        "source": _to_address(answer.view),
        "xref": "x",
        "yref": "y",
        "x": -0.5,
        "y": -0.5,
        "sizex": side,
        "sizey": side,
        "sizing": "stretch",
        "layer": "below",
    }
    hidden = {"visible": False, "range": [-0.5, side - 0.5], "fixedrange": True}
    layout = {
        "images": [picture],
        "xaxis": {**hidden, "constrain": "domain"},
        "yaxis": {
            **hidden,
            "range": [side - 0.5, -0.5],
            "scaleanchor": "x",
            "constrain": "domain",
        },
        "margin": {"l": 0, "r": 0, "t": 8, "b": 8},
    }
    return {"data": traces, "layout": layout}


def _to_address(view: Pixels) -> str:
    content = io.BytesIO()
    image = Image.fromarray(view if view.shape[2] == 3 else view[:, :, 0])
    # Pixels stay squares where there are few of them.
    scale = max(1, SIDE_PX // image.width)
    enlarged = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    enlarged.save(content, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
