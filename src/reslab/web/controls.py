"""Fields that pages share, each with its label."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import ALL, MATCH, Dash, Input, Output, State, dcc, html

from reslab.web.browser import in_browser


def choice(name: str, label: str, options: Mapping[str, str], value: str) -> html.Div:
    """Buttons of which one is pressed; `options` maps values to what is read.

    What is chosen is the `data` of `toggled(name)`.
    """
    return _toggles(name, label, options, value, "one")


def switches(name: str, label: str, options: Mapping[str, str], value: Sequence[str]) -> html.Div:
    """Buttons of which any may be pressed; `options` maps values to what is read.

    What is chosen is the `data` of `toggled(name)`, a list.
    """
    return _toggles(name, label, options, list(value), "many")


def toggled(name: str) -> dict[str, str]:
    """Which component holds what is chosen."""
    return {"toggle": name, "part": "chosen"}


def _toggles(
    name: str, label: str, options: Mapping[str, str], value: str | list[str], kind: str
) -> html.Div:
    chosen = [value] if isinstance(value, str) else value
    buttons = [
        html.Button(
            text,
            id={"toggle": name, "value": option},
            type="button",
            className="toggle",
            **aria(pressed="true" if option in chosen else "false"),
        )
        for option, text in options.items()
    ]
    return html.Div(
        [
            html.Span(label, className="legend"),
            html.Div(buttons, className="toggles", role="group", **aria(label=label)),
            dcc.Store(id=toggled(name), data=value),
            dcc.Store(id={"toggle": name, "part": "kind"}, data=kind),
        ],
        className="field",
    )


def aria(**attributes: str) -> Any:
    """ARIA attributes of an element, as Dash takes them."""
    return {f"aria-{name}": value for name, value in attributes.items()}


def register(app: Dash) -> None:
    """Let toggles be pressed; the browser does that by itself."""
    in_browser(
        app,
        "toggle",
        Output({"toggle": MATCH, "part": "chosen"}, "data"),
        Output({"toggle": MATCH, "value": ALL}, "aria-pressed"),
        Input({"toggle": MATCH, "value": ALL}, "n_clicks"),
        State({"toggle": MATCH, "value": ALL}, "id"),
        State({"toggle": MATCH, "part": "chosen"}, "data"),
        State({"toggle": MATCH, "part": "kind"}, "data"),
    )


def suggest(
    name: str, label: str, options: Sequence[str], value: str = "", placeholder: str = ""
) -> html.Div:
    """A field for a text, with texts to choose from; its `value` comes when it is left."""
    known = f"{name}-known"
    field = dcc.Input(
        id=name,
        list=known,
        value=value,
        debounce=True,
        spellCheck=False,
        autoComplete="off",
        placeholder=placeholder,
    )
    listed = html.Datalist([html.Option(value=option) for option in options], id=known)
    return html.Div([html.Label(label, htmlFor=name), field, listed], className="field menu")
