"""What the command prints: results on stdout, everything else on stderr."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_json(document: Any) -> None:
    """Print one JSON object on stdout.

    Raises:
        ValueError: if a number is NaN or infinite, which JSON cannot say.
    """
    sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")


def print_table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """Print a table on stdout; numbers are set to the right, None is left empty."""
    bold = Text(make_visible(title), style="bold")
    table = Table(title=bold, title_justify="left", box=None, pad_edge=False)
    for i, column in enumerate(columns):
        numeric = any(isinstance(row[i], int | float) for row in rows)
        table.add_column(
            Text(make_visible(column)), justify="right" if numeric else "left", no_wrap=True
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    # A pipe has no width: cutting a table to 80 columns there would lose data.
    width = None if sys.stdout.isatty() else 200
    Console(width=width).print(table)


def print_line(text: str) -> None:
    """Print one line for a person on stdout, with control characters made visible."""
    sys.stdout.write(make_visible(text) + "\n")


def print_message(text: str) -> None:
    """Print one line on stderr, with control characters made visible."""
    sys.stderr.write(make_visible(text) + "\n")
    sys.stderr.flush()


def make_visible(text: str) -> str:
    """Escape control characters, so that a hostile file name cannot drive the terminal."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )


def _cell(value: Any) -> Text:
    if value is None:
        return Text("")
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(f"{value:,}")
    return Text(make_visible(str(value)))
