"""What happens in the browser alone, by the functions of `assets/*.js`."""

from typing import Any

from dash import ClientsideFunction, Dash
from dash.dependencies import DashDependency


def in_browser(
    app: Dash, function: str, *dependencies: DashDependency, initially: bool = False
) -> None:
    """Let a function of the page's scripts answer, without asking the server.

    Args:
        app: to which it belongs.
        function: its name in `dash_clientside.reslab`.
        dependencies: outputs, inputs and states, in this order.
        initially: call it once when the page opens, too.
    """
    register: Any = app.clientside_callback
    register(
        ClientsideFunction("reslab", function),
        *dependencies,
        prevent_initial_call=not initially,
    )
