"""The table of runs, sent whole once and then as what has changed."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reslab.runs.index import list_runs
from reslab.runs.summary import RunSummary

Row = dict[str, Any]
Mark = tuple[str, str, int]
"""Name and state of a run, and the version in which it last changed."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What has become of the table since a version of it."""

    version: int
    """The newest."""
    added: tuple[Row, ...]
    updated: tuple[Row, ...]
    removed: tuple[Row, ...]
    """Of each only its `name`."""

    @property
    def is_empty(self) -> bool:
        """Whether the table is as it was."""
        return not (self.added or self.updated or self.removed)


@dataclass
class _Entry:
    row: Row
    added: int
    updated: int


class RunTable:
    """Looks at the runs at most once in a while, however many browsers ask.

    Args:
        folder: the runs are in it.
        publish: removes this machine's paths from a message.
        max_age_seconds: how long one look serves.
    """

    def __init__(
        self, folder: Path, publish: Callable[[str], str] = str, max_age_seconds: float = 1.0
    ) -> None:
        self.folder = folder
        self.max_age_seconds = max_age_seconds
        self._publish = publish
        self._lock = threading.Lock()
        # Above every version of a table that was served before.
        self._version = self._first = time.time_ns() // 10**6
        self._looked_at = float("-inf")
        self._entries: dict[str, _Entry] = {}
        self._removed: dict[str, int] = {}

    def rows(self) -> tuple[int, list[Row]]:
        """The version and all rows of it."""
        with self._lock:
            self._look()
            return self._version, [entry.row for entry in self._entries.values()]

    def is_foreign(self, version: int) -> bool:
        """Whether a version is not one of this table's, but of one served before."""
        return version < self._first

    def marks(self, names: Sequence[str]) -> list[Mark]:
        """Where some runs stand: equal marks mean that there is nothing new to show."""
        with self._lock:
            self._look()
            known = ((name, self._entries.get(name)) for name in names)
            return [(n, entry.row["state"], entry.updated) for n, entry in known if entry]

    def states(self, names: Sequence[str]) -> dict[str, str]:
        """How each of some runs stood at the last look."""
        return {name: state for name, state, _ in self.marks(names)}

    def changes(self, since: int) -> Changes:
        """What is new since version `since`."""
        with self._lock:
            self._look()
            added: list[Row] = []
            updated: list[Row] = []
            for name, entry in self._entries.items():
                if entry.updated > since:
                    # One that went and came back is still shown where neither was seen.
                    is_new = entry.added > since and self._removed.get(name, 0) <= since
                    (added if is_new else updated).append(entry.row)
            gone = [n for n, version in self._removed.items() if version > since]
            return Changes(
                version=self._version,
                added=tuple(added),
                updated=tuple(updated),
                removed=tuple({"name": name} for name in gone if name not in self._entries),
            )

    def _look(self) -> None:
        if time.monotonic() - self._looked_at < self.max_age_seconds:
            return
        found = {run.name: describe_run(run, self._publish) for run in list_runs(self.folder)}
        self._looked_at = time.monotonic()
        version = self._version + 1
        for name in self._entries.keys() - found.keys():
            del self._entries[name]
            self._removed[name] = self._version = version
        for name, row in found.items():
            entry = self._entries.get(name)
            if entry is None:
                self._entries[name] = _Entry(row, version, version)
            elif entry.row != row:
                entry.row, entry.updated = row, version
            else:
                continue
            self._version = version


def describe_run(run: RunSummary, publish: Callable[[str], str] = str) -> Row:
    """One row; errors are those of the net as it stands.

    Args:
        run: as the index found it.
        publish: removes this machine's paths from a message.
    """
    running = run.running_train_error_pct
    return {
        "name": run.name,
        "network": run.network,
        "data": run.data,
        "seed": run.seed,
        "state": run.state,
        "step": run.step,
        "steps": run.steps,
        "train_error_pct": _round(running if run.train_error_pct is None else run.train_error_pct),
        "test_error_pct": _round(run.test_error_pct),
        "minutes": None if run.elapsed_seconds is None else _round(run.elapsed_seconds / 60),
        "updated_at": round(run.updated_at),
        "problem": None if run.problem is None else publish(run.problem),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
