"""Small tables that are read, not sorted."""

from collections.abc import Sequence
from typing import Any

from dash import html

from reslab.web.controls import aria


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> html.Div:
    """A table that scrolls sideways by itself if it is too wide; numbers are set to the right."""
    numeric = [
        all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(columns))
    ]
    head = html.Tr([html.Th(column, scope="col") for column in columns])
    body = [
        html.Tr([_cell(value, numeric=numeric[i]) for i, value in enumerate(row)]) for row in rows
    ]
    caption = [html.Caption(title)] if title else []
    table = html.Table([*caption, html.Thead(head), html.Tbody(body)])
    # What scrolls must be reachable without a mouse.
    return html.Div(
        table, className="scroll", tabIndex=0, role="region", **aria(label=title or "Table")
    )


def _cell(value: Any, *, numeric: bool) -> html.Td:
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value:,}"
    text = value if isinstance(value, html.Span | html.A) else "" if value is None else str(value)
    return html.Td(text, className="number" if numeric else None)
