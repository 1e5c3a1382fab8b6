"""How a run or a study goes on: a bar on a terminal, plain lines in a log; always on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reslab.cli.output import print_message

LINE_EVERY_SECONDS = 10.0


class Meter(Protocol):
    """Shows how many of how many steps are done."""

    def update(self, done: int, total: int, note: str = "") -> None:
        """Show the state; may be called as often as one likes."""


@contextmanager
def open_meter(title: str, unit: str = "steps") -> Iterator[Meter]:
    """A meter for as long as the work lasts; `unit` is what it counts."""
    if not sys.stderr.isatty():
        yield _Lines(title, unit)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, title)


class _Bar:
    def __init__(self, progress: Progress, title: str) -> None:
        self.progress = progress
        self.task = progress.add_task(title, total=None, note="")

    def update(self, done: int, total: int, note: str = "") -> None:
        self.progress.update(self.task, completed=done, total=total, note=note)


class _Lines:
    def __init__(self, title: str, unit: str) -> None:
        self.title = title
        self.unit = unit
        self.started_at = self.shown_at = time.monotonic()
        self.first: int | None = None
        self.complete = False

    def update(self, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        # A resumed run starts above zero; its rate counts from there.
        self.first = done if self.first is None else self.first
        completes = done >= total and not self.complete
        if now - self.shown_at < LINE_EVERY_SECONDS and not completes:
            return
        self.shown_at, self.complete = now, done >= total
        rate = (done - self.first) / max(now - self.started_at, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if rate > 0 and done < total else ""
        print_message(
            f"{self.title}: {done:,} of {total:,} {self.unit}{left}{note and f', {note}'}"
        )


def describe_record(record: dict[str, Any]) -> str:
    """The newest measurement in a few words."""
    rate = record.get("images_per_second")
    error = record.get("running_train_error_pct")
    parts = []
    if error is not None:
        parts.append(f"training error {error:.1f} %")
    if rate is not None:
        parts.append(f"{rate:,.0f} images/s")
    return ", ".join(parts)
