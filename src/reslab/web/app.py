"""The page as a whole: shell, pages by address, errors in words."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dash import Dash, Input, Output, dcc, html, set_props

from reslab.errors import ReslabError
from reslab.web import controls, figures, pictures
from reslab.web.browser import in_browser
from reslab.web.context import Context, open_context
from reslab.web.controls import aria
from reslab.web.guard import install_guard
from reslab.web.pages import classify, network, runs, studies
from reslab.web.settings import UiSettings

Layout = Callable[[Context], Any]


@dataclass(frozen=True, kw_only=True)
class Page:
    """One of the pages."""

    title: str
    layout: Layout
    register: Callable[[Dash, Context], None]
    """Installs what happens when the page is touched."""


PAGES = {
    "/": Page(title="Runs", layout=runs.layout, register=runs.register),
    "/studies": Page(title="Studies", layout=studies.layout, register=studies.register),
    "/network": Page(title="Network", layout=network.layout, register=network.register),
    "/classify": Page(title="Classify", layout=classify.layout, register=classify.register),
}

# The theme is settled before anything is drawn, so that nothing flashes.
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" href="data:,">
{%css%}
<script src="/assets/theme.js"></script>
</head>
<body>
{%app_entry%}
{%config%}
{%scripts%}
{%renderer%}
</body>
</html>
"""


def build_app(settings: UiSettings) -> Dash:
    """The page over one folder, ready to be served.

    Raises:
        ConfigError: if there is no such folder.
    """
    context = open_context(settings)
    app = Dash(
        "reslab.web",
        title="reslab",
        update_title="",
        index_string=INDEX,
        assets_ignore="theme.js",
        serve_locally=True,
        suppress_callback_exceptions=True,
        enable_mcp=False,
        add_log_handler=False,
        on_error=lambda error: _tell(error, context),
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.layout = _shell()
    _register_shell(app, context)
    for page in PAGES.values():
        page.register(app, context)
    controls.register(app)
    figures.register(app)
    pictures.register(app)
    hashes: list[str] = []

    def script_hashes() -> str:
        # Known only once every callback is there.
        if not hashes:
            hashes.extend(app.csp_hashes())
        return " ".join(hashes)

    install_guard(app.server, settings, script_hashes)
    return app


def _shell() -> html.Div:
    return html.Div(
        [
            html.A("Skip to the content", href="#content", className="skip"),
            html.Header(
                [
                    html.Span("reslab", className="brand"),
                    html.Nav(_links("/"), id="navigation", **aria(label="Pages")),
                    html.Button("Theme: auto", id="theme", type="button", className="quiet"),
                ]
            ),
            html.Main(id="content", tabIndex=-1),
            html.Div(id="notice", role="status", className="notice"),
            dcc.Location(id="address", refresh="callback-nav"),
        ],
        className="shell",
    )


def _links(current: str) -> list[dcc.Link]:
    return [
        dcc.Link(page.title, href=path, className="here" if path == current else "")
        for path, page in PAGES.items()
    ]


def _register_shell(app: Dash, context: Context) -> None:
    @app.callback(
        Output("content", "children"),
        Output("navigation", "children"),
        Input("address", "pathname"),
    )
    def show(path: str | None) -> tuple[Any, list[dcc.Link]]:
        page = PAGES.get(path or "/")
        if page is None:
            return html.P("There is no such page: choose one above."), _links("")
        return page.layout(context), _links(path or "/")

    for function, output, asked in (
        ("name_page", Output("navigation", "title"), Input("navigation", "children")),
        ("fade", Output("notice", "title"), Input("notice", "children")),
        ("switch_theme", Output("theme", "children"), Input("theme", "n_clicks")),
    ):
        in_browser(app, function, output, asked, initially=True)


def _tell(error: Exception, context: Context) -> None:
    """Say on the page what can be acted on; what is a fault of ours goes to the terminal."""
    if isinstance(error, ReslabError):
        message = context.workspace.publish(str(error))
    else:
        traceback.print_exception(error, file=sys.stderr)
        message = "That did not work: the terminal in which the page was started says more."
    set_props("notice", {"children": message})
