"""A run's measurements: lines of JSON that survive a crash."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from reslab.files.atomic import write_atomically

TAIL_BYTES = 2**15

Record = dict[str, Any]
"""One measurement: always a `kind` and a `step`; numbers that do not exist (NaN) are null."""


class MetricsLog:
    """Appends records to a file, each whole and at once.

    Args:
        path: the file; created when the first record comes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: Record) -> None:
        """Write one record as one line; it is the system's own once this returns."""
        line = json.dumps(record, allow_nan=False) + "\n"
        with self.path.open("ab", buffering=0) as file:
            file.write(line.encode())

    def forget_after(self, step: int) -> None:
        """Drop the records of later steps, and a last line that a crash cut short."""
        kept = [record for record in read_metrics(self.path) if record["step"] <= step]
        write_atomically(self.path, _to_lines(kept))


def read_metrics(path: Path) -> list[Record]:
    """The records written so far; a last line still being written is left out."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    records = []
    for line in content.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            # Only a crash in the middle of a line leaves one that is not JSON.
            break
        if not isinstance(record, dict) or not isinstance(record.get("step"), int):
            break
        records.append(record)
    return records


def read_last_step(path: Path) -> int:
    """The step of the last whole record, 0 if there is none; reads only the end of the file."""
    step: int = next(_read_backwards(path), {"step": 0})["step"]
    return step


def read_latest(path: Path, keys: Iterable[str]) -> Record:
    """The last record, with the latest value of each key; reads only the end of the file.

    A value older than the last hundred records or so is not found.
    """
    latest: Record = {}
    missing = set(keys)
    for record in _read_backwards(path):
        latest = record | latest
        missing -= record.keys()
        if not missing:
            break
    return latest


def _read_backwards(path: Path) -> Iterator[Record]:
    """The whole records at the end of the file, the newest first."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES)
            file.seek(start)
            lines = file.read(TAIL_BYTES).splitlines()
    except FileNotFoundError:
        return
    # The first line of a part is most often part of a line.
    for line in reversed(lines[1:] if start else lines):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("step"), int):
            yield record


def _to_lines(records: Iterable[Record]) -> bytes:
    return "".join(json.dumps(record, allow_nan=False) + "\n" for record in records).encode()
