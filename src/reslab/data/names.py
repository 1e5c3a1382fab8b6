"""Millions of names in two arrays: little memory, and nothing that worker processes must copy."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PackedNames:
    """An immutable list of names; make one with `pack_names`."""

    content: bytes
    """All names one after another, as the file system writes them."""
    ends: NDArray[np.int64]
    """[N], where each name ends in `content`."""

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> str:
        index = range(len(self))[index]
        start = int(self.ends[index - 1]) if index else 0
        return os.fsdecode(self.content[start : int(self.ends[index])])

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))

    def select(self, indices: Iterable[int]) -> "PackedNames":
        """The names at `indices`, in that order."""
        return pack_names(self[int(index)] for index in indices)


def is_name(text: str) -> bool:
    """Whether a file system can hold a name: not every text of a JSON file is one."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def pack_names(names: Iterable[str]) -> PackedNames:
    """Pack names; any that a file system can hold come back as they were."""
    parts = [os.fsencode(name) for name in names]
    ends = np.fromiter(accumulate(map(len, parts)), np.int64, len(parts))
    return PackedNames(b"".join(parts), ends)
