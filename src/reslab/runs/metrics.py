"""A run's measurements: lines of JSON that survive a crash."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from io import RawIOBase
from math import isfinite
from pathlib import Path
from typing import Any
from zlib import crc32

from reslab.errors import RunError
from reslab.files.atomic import write_atomically

TAIL_BYTES = 2**15
CHECK = "crc32"
"""The last key of a line: the checksum of the line without it."""
ENDING = (
    "steps_done", "train_error_pct", "train_loss", "running_train_error_pct",
    "validation_error_pct", "test_error_pct", "test_loss",
)  # fmt: skip
"""What a result repeats of the log's last records."""
_CHECKED = re.compile(rb'(.*), "crc32": "([0-9a-f]{8})"\}', re.DOTALL)

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
        """Write one record as one line; it is the system's own once this returns.

        Raises:
            OSError: if the line cannot be written; no part of it is then left.
        """
        line = _to_line(record)
        with self.path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                _write_all(file, line)
            except OSError as error:
                file.truncate(size)
                error.filename = str(self.path)
                raise

    def sync(self) -> None:
        """Have all records so far on the disk, where even a loss of power leaves them."""
        with self.path.open("ab") as file:
            os.fsync(file.fileno())

    def forget_after(self, step: int) -> None:
        """Drop the records of later steps, and a last line that a crash cut short.

        Raises:
            RunError: if a line is damaged.
        """
        kept = [record for record in read_metrics(self.path) if record["step"] <= step]
        write_atomically(self.path, b"".join(map(_to_line, kept)))


def read_metrics(path: Path) -> list[Record]:
    """The records written so far; a last line still being written is left out.

    Raises:
        RunError: if a line is damaged, or the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from error
    *lines, rest = content.split(b"\n")
    records = [parse_record(line) for line in lines]
    if None in records:
        raise RunError(_describe_damage(path, records.index(None) + 1))
    whole = [record for record in (*records, parse_record(rest)) if record is not None]
    checked = [_CHECKED.fullmatch(line) is not None for line in lines]
    if any(checked) and not all(checked):
        raise RunError(_describe_damage(path, checked.index(False) + 1))
    return whole


def require_until(records: Sequence[Record], step: int, path: Path) -> None:
    """Make sure that a log reaches as far as the run did.

    Raises:
        RunError: if its last records are lost.
    """
    last = max((record["step"] for record in records), default=0)
    if last < step:
        raise RunError(
            f"{path} ends at step {last:,}, but the run had measured until step {step:,}: restore "
            "the file from a copy, or train the run again in another folder"
        )


def require_ending(records: Sequence[Record], result: Record, path: Path) -> None:
    """Make sure that a log ends with what its run ended with.

    Raises:
        RunError: if its last records are lost, or are not those of this result.
    """
    last: Record = {"steps_done": max((record["step"] for record in records), default=0)}
    for record in records:
        last |= record
    differing = [key for key in ENDING if key in result and result[key] != last.get(key)]
    if differing:
        raise RunError(
            f"{path} does not end as the run did: its last {differing[0]} is "
            f"{last.get(differing[0])}, the result's {result[differing[0]]}. Restore the file from "
            "a copy, or train the run again in another folder"
        )


def parse_record(line: bytes) -> Record | None:
    """The record of one line, given without its end; None if it is not whole or was changed."""
    if match := _CHECKED.fullmatch(line):
        line = match[1] + b"}"
        if crc32(line) != int(match[2], 16):
            return None
    try:
        record = json.loads(line, parse_constant=_parse_finite, parse_float=_parse_finite)
    except (ValueError, RecursionError):
        return None
    # bool is an int to Python.
    if isinstance(record, dict) and type(record.get("step")) is int:
        return record
    return None


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
            lines = file.read(TAIL_BYTES).split(b"\n")
    except FileNotFoundError:
        return
    # The first line of a part is most often part of a line.
    for line in reversed(lines[1:] if start else lines):
        if record := parse_record(line):
            yield record


def _parse_finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is no number in JSON")
    return number


def _to_line(record: Record) -> bytes:
    content = json.dumps(record, allow_nan=False).encode()
    # Last in the line, so that the rest of it is what is checked.
    return content[:-1] + f', "{CHECK}": "{crc32(content):08x}"}}\n'.encode()


def _write_all(file: RawIOBase, content: bytes) -> None:
    # The system takes less than it is given where the disk is nearly full.
    while content:
        content = content[file.write(content) or 0 :]


def _describe_damage(path: Path, number: int) -> str:
    return (
        f"{path}, line {number} is damaged: its content does not fit its checksum. Restore the "
        "file from a copy, or train the run again in another folder."
    )
