"""Drawings that are no plots, which can be saved like them."""

import base64
import csv
import io
from collections.abc import Sequence

from dash import ALL, MATCH, Dash, Input, Output, State, dcc, html

from reslab.web.browser import in_browser
from reslab.web.controls import aria
from reslab.web.figures import save_buttons


def picture_card(
    name: str, title: str, *, light: str, dark: str, description: str, data: str
) -> html.Figure:
    """A drawing in two colourings with the buttons that save it.

    Args:
        name: unique on the page; the saved files are called so.
        title: what is seen.
        light: the SVG document for a light page, which is the one saved.
        dark: the one for a dark page.
        description: for those who do not see it.
        data: as CSV.
    """
    images = [
        html.Img(src=to_address(svg), alt=description, className=f"only-{theme}")
        for theme, svg in (("light", light), ("dark", dark))
    ]
    files = {"svg": light, "csv": data}
    return html.Figure(
        [
            html.Figcaption(title),
            html.Div(
                images, className="scroll tall", tabIndex=0, role="region", **aria(label=title)
            ),
            save_buttons("picture", name, title),
            dcc.Store(id={"picture": name, "part": "files"}, data=files),
        ],
        className="card",
    )


def to_address(svg: str) -> str:
    """An SVG document as a `data:` address; scripts in it would not run."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def to_csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table as CSV; None is left empty."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def register(app: Dash) -> None:
    """Let every picture's buttons save it; the browser does that by itself."""
    in_browser(
        app,
        "save_picture",
        Output({"picture": MATCH, "part": "saved"}, "data"),
        Input({"picture": MATCH, "format": ALL}, "n_clicks"),
        State({"picture": MATCH, "part": "files"}, "data"),
    )
