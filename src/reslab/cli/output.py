"""What the command prints: results on stdout, everything else on stderr."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

MAX_CHARACTERS = 8000
"""Of one message: a hostile file may have names of any length."""


def print_json(document: Any) -> None:
    """Print one JSON object on stdout.

    Raises:
        ValueError: if a number is NaN or infinite, which JSON cannot say.
    """
    text = json.dumps(document, allow_nan=False)
    with _naming_stdout():
        sys.stdout.write(text + "\n")


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
    with _naming_stdout():
        Console(width=width).print(table)


def print_line(text: str) -> None:
    """Print one line for a person on stdout, with control characters made visible."""
    with _naming_stdout():
        sys.stdout.write(make_visible(text) + "\n")


def print_message(text: str) -> None:
    """Print one line on stderr, with control characters made visible, and cut beyond all use."""
    visible = make_visible(text)
    sys.stderr.write((visible if len(visible) <= MAX_CHARACTERS else _cut(visible)) + "\n")
    sys.stderr.flush()


def flush_output() -> None:
    """Have all of stdout written now, while there is somebody to tell that it cannot be.

    Raises:
        OSError: if it cannot; the interpreter then does not try again as it exits.
    """
    with _naming_stdout():
        sys.stdout.flush()


@contextmanager
def _naming_stdout() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            error.filename = "standard output"
            # What is left in the buffer is written there as the interpreter exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _cut(text: str) -> str:
    half = MAX_CHARACTERS // 2
    return f"{text[:half]} … {text[-half:]}"


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
