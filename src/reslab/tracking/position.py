"""How much of a run a tracker has been told, kept in the run's folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from reslab.errors import ConfigError
from reslab.files.documents import from_document, read_json, to_document, write_json
from reslab.runs.metrics import Record
from reslab.tracking.order import Order


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a tracker stands with a run."""

    place: str
    """The folder it writes to, as seen from the run's."""
    name: str
    """What it was told as the run's name."""
    begun_at: float
    """When the run began, in seconds since 1970; the clock of all its records."""
    handle: str | None = None
    """What the tracker calls the run."""
    sent: dict[str, int] = field(default_factory=dict)
    """The last step of each kind of record that it was told."""
    ended: str | None = None
    """With which state it was told that the run ended, None while the run goes on."""

    def select_new(self, records: Iterable[Record]) -> list[Record]:
        """The records not told yet.

        A resumed run repeats what it did after its last checkpoint; these records are not told
        twice. On a CPU they are the same to the bit.
        """
        return [record for record in records if record["step"] > self.sent.get(record["kind"], -1)]

    def after(self, records: Iterable[Record]) -> "Position":
        """The position once these records are told."""
        return replace(self, sent={**self.sent, **{r["kind"]: r["step"] for r in records}})


def locate_file(order: Order, kind: str) -> Path:
    """What is kept of a tracker in the run's folder.

    Args:
        order: which tracker and run.
        kind: `json`, its position; `log`, what its package printed; `failed`, why it gave up;
            or `lock`, held by its process.
    """
    return Path(order.run_folder) / "trackers" / f"{order.tracker}.{kind}"


def find_place(order: Order) -> str:
    """The folder that a tracker writes to, as seen from the run's, so that both can be moved."""
    return os.path.relpath(order.folder, order.run_folder)


def read_position(path: Path) -> Position | None:
    """The stored position; None if there is none, or none that can be read."""
    if not path.is_file():
        return None
    try:
        return from_document(read_json(path), Position, str(path))
    except ConfigError:
        # Better told twice than not at all.
        return None


def write_position(path: Path, position: Position) -> None:
    """Store a position."""
    write_json(path, to_document(position))
