"""Classify: images of one's own, by one trained network or two side by side."""

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.exceptions import PreventUpdate

from reslab.errors import ConfigError, DataError
from reslab.web.answer_views import show_answer
from reslab.web.browser import in_browser
from reslab.web.classification import classify
from reslab.web.context import Context
from reslab.web.controls import aria, choice, suggest, toggled
from reslab.web.uploads import (
    LIMITS,
    MAX_IMAGE_BYTES,
    MAX_IMAGES,
    MAX_TOTAL_BYTES,
    Upload,
    decode_uploads,
)

TOPS = {"3": "3", "5": "5", "10": "10"}
NO_WEIGHTS = (
    "There are no trained weights in this folder: train a network, or convert published weights "
    "into it with `reslab convert`."
)


def layout(context: Context) -> list[Any]:
    """The page as it opens."""
    names = context.workspace.list_weights()
    first = names[0] if names else ""
    return [
        html.H1("Classify"),
        html.Div(
            [
                suggest("weights-first", "Trained weights", names, first, "weights of this folder"),
                suggest("weights-second", "Beside them", names, "", "nothing"),
                choice("top", "Classes", TOPS, "5"),
            ],
            className="bar controls",
        ),
        html.P(NO_WEIGHTS) if not names else "",
        html.Div(_upload(), className="drop-place"),
        dcc.Store(
            id="limits",
            data={
                "count": MAX_IMAGES,
                "each": MAX_IMAGE_BYTES,
                "all": MAX_TOTAL_BYTES,
                "words": LIMITS,
            },
        ),
        dcc.Store(id="images"),
        dcc.Loading(html.Div(id="answers", className="answers", **aria(live="polite"))),
    ]


def _upload() -> dcc.Upload:
    return dcc.Upload(
        html.Div(
            [
                html.P("Drop images here, paste one, or"),
                html.Button("Choose images", type="button", id="choose"),
                html.P(LIMITS, className="muted"),
            ]
        ),
        id="upload",
        accept="image/*",
        multiple=True,
        className="drop",
        className_active="drop over",
    )


def register(app: Dash, context: Context) -> None:
    """Install what happens on this page."""
    in_browser(
        app,
        "take_images",
        Output("images", "data"),
        Output("notice", "children", allow_duplicate=True),
        Input("upload", "contents"),
        State("upload", "filename"),
        State("limits", "data"),
    )

    @app.callback(
        Output("answers", "children"),
        Input("images", "data"),
        Input("weights-first", "value"),
        Input("weights-second", "value"),
        Input(toggled("top"), "data"),
        prevent_initial_call=True,
    )
    def answer(
        images: dict[str, list[str]] | None, first: str | None, second: str | None, top: str
    ) -> list[Any]:
        if not images:
            raise PreventUpdate
        weights = [name.strip() for name in (first, second) if name and name.strip()]
        if not weights:
            raise ConfigError("choose trained weights first")
        uploads = decode_uploads(images["names"], images["contents"])
        return [
            _show_image(context, upload, i, weights, int(top)) for i, upload in enumerate(uploads)
        ]


def _show_image(
    context: Context, upload: Upload, place: int, weights: Sequence[str], top: int
) -> html.Section:
    try:
        shown = [
            show_answer(
                classify(upload, context.workspace.locate_weights(name), context.library, top),
                f"image-{place}-{side}",
                name,
                side,
            )
            for side, name in enumerate(weights)
        ]
    except DataError as error:
        # One that cannot be read does not keep the others from being answered.
        return html.Section([html.H2(upload.name), html.P(str(error))], className="card")
    return html.Section(
        [html.H2(upload.name), html.Div(shown, className="columns")], className="card"
    )
