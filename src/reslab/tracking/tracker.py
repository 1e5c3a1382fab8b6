"""What a tracker is: the one small interface, and what is handed through it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reslab.runs.metrics import Record


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """A run as a tracker is told of it when it begins."""

    name: str
    """What a person calls it; unique among the runs of a folder."""
    project: str
    """What the tracker files it under."""
    group: str | None
    """The study it belongs to, if any."""
    folder: Path
    """Where the tracker may write, shared with the other runs of a study."""
    config: dict[str, Any]
    """The run's configuration, nested, in plain JSON types."""
    begun_at: float
    """When the run began, in seconds since 1970."""
    handle: str | None
    """What the tracker called this run the last time; None if it has not seen it."""

    @property
    def flat_config(self) -> dict[str, Any]:
        """The configuration with dotted names: `recipe.learning_rate`."""
        return flatten(self.config)

    def time_of(self, record: Record) -> float:
        """When a record was written, counting the time the run was going alone."""
        elapsed_seconds = record.get("elapsed_seconds", 0.0)
        return self.begun_at + float(elapsed_seconds)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A tracker's answer to a run that begins or goes on."""

    handle: str
    """What the tracker calls the run, kept for the next time."""
    is_new: bool
    """Whether it knows nothing of the run, and is to be told all of its records."""


class Tracker(Protocol):
    """One place where runs are shown. Any exception ends the tracking of the run, not the run."""

    def begin(self, run: TrackedRun) -> Opened:
        """Open the run, or go on with the one that `run.handle` names if it is still there."""

    def record(self, records: Sequence[Record]) -> None:
        """Show measurements, in the order in which they were made."""

    def end(self, state: str, result: dict[str, Any]) -> None:
        """Close the run.

        Args:
            state: `finished`, `diverged`, `stopped` (to be resumed), `failed` or `lost`.
            result: the last measurements; empty if there is no result.
        """

    def describe_place(self) -> str:
        """How a person looks at what was tracked."""


def name_metrics(record: Record) -> dict[str, float]:
    """The numbers of a record, named `KIND/NAME`; what was not a finite number is NaN.

    Records say null for NaN and infinity, which JSON does not have.
    """
    kind = record["kind"]
    return {
        f"{kind}/{name}": math.nan if value is None else float(value)
        for name, value in record.items()
        if name != "step" and (value is None or _is_number(value))
    }


def flatten(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def pick_numbers(document: dict[str, Any]) -> dict[str, float]:
    """The entries that are numbers."""
    return {name: float(value) for name, value in document.items() if _is_number(value)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
