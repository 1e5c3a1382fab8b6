"""Network: any network by name or weights file, alone or beside another."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash, Input, Output, dcc, html
from dash.exceptions import PreventUpdate

from reslab.errors import ReslabError
from reslab.networks.catalogue import list_networks
from reslab.web.context import Context
from reslab.web.controls import choice, suggest, toggled
from reslab.web.inspection import Inspected, inspect, measure
from reslab.web.network_views import show_network, show_responses, show_stages

SIDES = ("left", "right")
DEFAULT = "resnet20"
SHORTCUTS = {"": "its own", "A": "A", "B": "B", "C": "C"}


def layout(context: Context) -> list[Any]:
    """The page as it opens."""
    names = [*list_networks(), *context.workspace.list_weights()]
    shown = {"left": inspect(DEFAULT, context.workspace, context.library)}
    hint = "resnet56, resnet50-v1.5, runs/…/weights.safetensors"
    return [
        html.H1("Network"),
        html.Div(
            [
                suggest("name-left", "Network or weights file", names, DEFAULT, hint),
                choice("shortcut-left", "Shortcuts", SHORTCUTS, ""),
                suggest("name-right", "Beside it", names, "", "nothing"),
                choice("shortcut-right", "Shortcuts", SHORTCUTS, ""),
            ],
            className="bar controls",
        ),
        html.P(
            "A name such as resnet56, plain20, preresnet110 or resnet50; or trained weights of "
            "this folder, which also show how strongly each layer responds (Fig. 7).",
            className="muted",
        ),
        html.Div(show_stages(list(shown.values())), id="stages", className="columns"),
        html.Div(id="responses-place"),
        html.Div(
            [html.Section(_show(shown, side), id=f"network-{side}") for side in SIDES],
            className="columns nets",
        ),
        dcc.Store(id="asked"),
    ]


def register(app: Dash, context: Context) -> None:
    """Install what happens on this page."""
    names = [Input(f"name-{side}", "value") for side in SIDES]
    shortcuts = [Input(toggled(f"shortcut-{side}"), "data") for side in SIDES]

    @app.callback(
        *[Output(f"network-{side}", "children") for side in SIDES],
        Output("stages", "children"),
        Output("responses-place", "children"),
        Output("asked", "data"),
        *names,
        *shortcuts,
        prevent_initial_call=True,
    )
    def show(*asked: str | None) -> tuple[Any, ...]:
        shown = _open(context, asked)
        trained = any(net.weights is not None for net in shown.values())
        return (
            *[_show(shown, side) for side in SIDES],
            show_stages(list(shown.values())),
            _without_responses("Measuring the responses …") if trained else [],
            asked if trained else None,
        )

    @app.callback(
        Output("responses-place", "children", allow_duplicate=True),
        Input("asked", "data"),
        prevent_initial_call=True,
    )
    def respond(asked: list[str | None] | None) -> Any:
        if asked is None:
            raise PreventUpdate
        trained = [net for net in _open(context, asked).values() if net.weights is not None]
        try:
            return show_responses([measure(net, context.library) for net in trained])
        except ReslabError as error:
            return _without_responses(context.workspace.publish(str(error)))


def _open(context: Context, asked: Sequence[str | None]) -> dict[str, Inspected]:
    """The networks asked for: two names, and two shortcuts."""
    opened = {}
    for side, name, shortcut in zip(SIDES, asked[:2], asked[2:], strict=True):
        if name and name.strip():
            opened[side] = inspect(
                name.strip(), context.workspace, context.library, shortcut=shortcut or None
            )
    if not opened:
        raise PreventUpdate
    return opened


def _show(shown: Mapping[str, Inspected], side: str) -> list[Any]:
    return show_network(shown[side], side) if side in shown else []


def _without_responses(reason: str) -> html.Div:
    return html.Div(html.P(reason), className="card responses")
