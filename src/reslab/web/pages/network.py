"""Not yet."""

from typing import Any

from dash import Dash, html

from reslab.web.context import Context


def layout(_context: Context) -> list[Any]:
    """The page as it opens."""
    return [html.H1("network")]


def register(_app: Dash, _context: Context) -> None:
    """Install what happens on this page."""
