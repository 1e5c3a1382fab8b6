"""Images that are files of their own."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reslab.data.names import PackedNames
from reslab.data.reading import read_regular_file


@dataclass(frozen=True, eq=False)
class FileStore:
    """Files below one folder."""

    root: str
    names: PackedNames
    """Paths from `root`."""

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        """The path from the root."""
        return self.names[index]

    def read(self, index: int) -> bytes:
        """The file's content.

        Raises:
            DataError: if it cannot be read.
        """
        return read_regular_file(Path(self.root, self.names[index]))

    def select(self, indices: NDArray[np.int64]) -> "FileStore":
        """The files at `indices`."""
        return FileStore(self.root, self.names.select(indices))

    def identify(self) -> Iterator[bytes]:
        """Names and sizes."""
        yield self.names.content
        yield self.names.ends.astype("<i8").tobytes()
        yield np.fromiter(map(self._measure, self.names), "<i8", len(self)).tobytes()

    def _measure(self, name: str) -> int:
        try:
            return os.stat(os.path.join(self.root, name)).st_size  # noqa: PTH116, PTH118 - hot
        except OSError:
            return -1
