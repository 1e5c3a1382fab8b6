"""The measurements of a run as they are written."""

import os
from pathlib import Path

from reslab.runs.metrics import Record, parse_record


class Tail:
    """Reads what has been added to a file of records since the last time.

    Args:
        path: the file; need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.identity: tuple[int, int] | None = None

    def read_new(self) -> list[Record]:
        """The records added; all of them again if the file was replaced, as on resuming."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                identity = (status.st_dev, status.st_ino)
                if identity != self.identity or status.st_size < self.offset:
                    self.offset, self.identity = 0, identity
                file.seek(self.offset)
                content = file.read()
        except FileNotFoundError:
            return []
        # A line still being written is left for the next time.
        whole = content[: content.rfind(b"\n") + 1]
        self.offset += len(whole)
        found = map(parse_record, whole.split(b"\n"))
        return [record for record in found if record is not None]
