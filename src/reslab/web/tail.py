"""Measurements of runs as they are written: each line is read once."""

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from reslab.runs.metrics import Record, parse_record

KEPT_FILES = 256


@dataclass
class _Tail:
    inode: int
    offset: int = 0
    records: list[Record] = field(default_factory=list)


class MetricsTails:
    """Keeps what was read of each file and reads on from there; safe among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tails: OrderedDict[Path, _Tail] = OrderedDict()

    def read(self, path: Path) -> list[Record]:
        """All whole and unharmed records of a file so far; none if it is not there.

        Args:
            path: a `metrics.jsonl`; one that was written anew is read anew.
        """
        with self._lock:
            try:
                with path.open("rb") as file:
                    return list(self._read_on(path, file.fileno()).records)
            except FileNotFoundError:
                self._tails.pop(path, None)
                return []

    def _read_on(self, path: Path, descriptor: int) -> _Tail:
        status = os.fstat(descriptor)
        tail = self._tails.get(path)
        if tail is None or tail.inode != status.st_ino or tail.offset > status.st_size:
            tail = self._tails[path] = _Tail(status.st_ino)
        self._tails.move_to_end(path)
        while len(self._tails) > KEPT_FILES:
            self._tails.popitem(last=False)
        if status.st_size > tail.offset:
            content = os.pread(descriptor, status.st_size - tail.offset, tail.offset)
            whole = content[: content.rfind(b"\n") + 1]
            tail.offset += len(whole)
            tail.records += filter(None, map(parse_record, whole.splitlines()))
        return tail
