"""Images in a column of Arrow or Parquet files, as Hugging Face's `datasets` keeps them."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslab.data.reading import MAX_FILE_BYTES, display_path, escape
from reslab.data.sources.optional import import_optional
from reslab.errors import DataError, ReslabError

OPEN_FILES = 32
ROW_GROUPS_IN_MEMORY = 4


@dataclass(frozen=True, eq=False)
class ColumnStore:
    """Rows of files with a column of `{bytes, path}`.

    Any row of an Arrow file is read at once, as the file is mapped into memory. Of a Parquet file a
    whole group of rows must be read for one, so images in random order are slow: pack them first.
    """

    files: tuple[str, ...]
    column: str
    file_of: NDArray[np.int32]
    """[N], an index into `files`."""
    rows: NDArray[np.int64]
    """[N], a row of that file."""

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, index: int) -> str:
        """File and row."""
        return f"{self.files[self.file_of[index]]}:{self.rows[index]}"

    def read(self, index: int) -> bytes:
        """The image of a row.

        Raises:
            DataError: if the file cannot be read, or the row holds no image.
        """
        path, row = self.files[self.file_of[index]], int(self.rows[index])
        with reading(Path(path)):
            cell = _read_cell(path, self.column, row)
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if not isinstance(content, bytes) or not 0 < len(content) <= MAX_FILE_BYTES:
            raise DataError(
                f"{escape(self.name(index))} holds no image in the column {self.column!r}: save "
                "the data set with its images embedded"
            )
        return content

    def select(self, indices: NDArray[np.int64]) -> "ColumnStore":
        """The rows at `indices`."""
        return ColumnStore(self.files, self.column, self.file_of[indices], self.rows[indices])

    def identify(self) -> Iterator[bytes]:
        """Names and sizes of the files, and the rows."""
        for path in self.files:
            yield Path(path).name.encode()
            yield Path(path).stat().st_size.to_bytes(8, "little")
        yield hashlib.sha256(self.file_of.tobytes() + self.rows.tobytes()).digest()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with a file into an error that names it."""
    try:
        yield
    except ReslabError:
        raise
    except Exception as error:  # Parsers raise anything at all on damaged input.
        raise DataError(
            f"cannot read {display_path(path)}: {error}. Restore it from a copy."
        ) from error


@lru_cache(OPEN_FILES)
def open_arrow(path: str) -> Any:
    """The table of an Arrow stream file, mapped into memory.

    Of the images only the offsets are read: damaged ones would lead out of the file.
    """
    pyarrow = import_optional("pyarrow", "data", "Arrow files")
    table = pyarrow.ipc.open_stream(pyarrow.memory_map(path)).read_all()
    table.validate(full=True)
    return table


@lru_cache(OPEN_FILES)
def open_parquet(path: str) -> Any:
    """A Parquet file, of which only the description is read."""
    parquet = import_optional("pyarrow.parquet", "data", "Parquet files")
    return parquet.ParquetFile(path, memory_map=True)


def _read_cell(path: str, column: str, row: int) -> Any:
    if path.endswith(".arrow"):
        return open_arrow(path).column(column)[row].as_py()
    metadata = open_parquet(path).metadata
    for group in range(metadata.num_row_groups):
        if row < metadata.row_group(group).num_rows:
            return _read_group(path, column, group)[row].as_py()
        row -= metadata.row_group(group).num_rows
    raise DataError(f"{escape(path)} has changed since it was opened: start again")


@lru_cache(ROW_GROUPS_IN_MEMORY)
def _read_group(path: str, column: str, group: int) -> Any:
    return open_parquet(path).read_row_group(group, columns=[column]).column(0)
