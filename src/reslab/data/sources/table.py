"""A CSV or Parquet file of paths and labels, with an optional column that names the part."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reslab.data.image_set import ImageCollection, ImageSet
from reslab.data.names import pack_names
from reslab.data.reading import MAX_FILE_BYTES, display_path
from reslab.data.sources.files import FileStore
from reslab.data.sources.optional import import_optional
from reslab.data.sources.parts import PART_NAMES, Splitting, assemble
from reslab.errors import DataError

KIND = "table of paths and labels"
SUFFIXES = (".csv", ".tsv", ".parquet")

PATH_COLUMNS = ("path", "file_name", "filename", "file", "image", "image_path")
LABEL_COLUMNS = ("label", "class", "class_name", "category", "target")
PART_COLUMNS = ("split", "part", "subset", "set")


@dataclass(frozen=True)
class Row:
    """One image."""

    path: str
    label: str
    part: str | None


def open_table(path: Path, splitting: Splitting, root: Path | None = None) -> ImageCollection:
    """Read which images there are; the classes are the different labels, sorted.

    Labels that all are whole numbers are sorted by value. Columns are recognised by their names:
    `PATH_COLUMNS`, `LABEL_COLUMNS`, `PART_COLUMNS`.

    Args:
        path: the table.
        splitting: how to hold out images if no column names their part.
        root: the folder that holds the images; the table's own by default. Paths are relative to
            it, or absolute and inside it: a table that someone else wrote cannot name other files
            (links inside the folder are followed).

    Raises:
        DataError: if the table cannot be read, lacks a column or a value, or names a file outside
            the folder.
    """
    root = path.parent if root is None else root
    rows = list(_read_parquet(path) if path.suffix == ".parquet" else _read_csv(path))
    if not rows:
        raise DataError(f"{display_path(path)} lists no image: add a line for each")
    names = [_relative(row.path, root, path, line) for line, row in enumerate(rows, start=1)]
    class_names = tuple(_sort_labels({row.label for row in rows}))
    numbers = {name: number for number, name in enumerate(class_names)}
    labels = np.array([numbers[row.label] for row in rows], dtype=np.int64)
    parts = np.array([row.part or "" for row in rows])
    found = {}
    for part in dict.fromkeys(row.part for row in rows):
        chosen = np.flatnonzero(parts == (part or ""))
        packed = pack_names(names[index] for index in chosen)
        found[part] = ImageSet(FileStore(str(root), packed), labels[chosen])
    return assemble(str(path), KIND, class_names, found, splitting)


def _read_csv(path: Path) -> Iterator[Row]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataError(
                f"{display_path(path)} is larger than {MAX_FILE_BYTES:,} bytes: make it Parquet"
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
            header = next(lines, [])
            columns = _find_columns(header, path)
            for line in lines:
                if line:
                    yield _make_row([*line, ""], columns, f"{display_path(path)}:{lines.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"cannot read {display_path(path)} as a table: {error}. Save it as CSV in UTF-8, with "
            "commas and a line of column names."
        ) from error


def _read_parquet(path: Path) -> Iterator[Row]:
    parquet = import_optional("pyarrow.parquet", "data", "Parquet files")
    pyarrow = import_optional("pyarrow", "data", "Parquet files")
    try:
        with parquet.ParquetFile(path) as file:
            columns = _find_columns(file.schema_arrow.names, path)
            wanted = [file.schema_arrow.names[index] for index in columns if index >= 0]
            table = file.read(columns=wanted)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"cannot read {display_path(path)} as Parquet: {error}") from error
    lists = [table.column(name).to_pylist() for name in wanted]
    places = (0, 1, 2 if len(wanted) == 3 else -1)
    for number, values in enumerate(zip(*lists, strict=True), start=1):
        texts = ["" if value is None else str(value) for value in values]
        yield _make_row([*texts, ""], places, f"{display_path(path)}, row {number}")


def _find_columns(header: Sequence[str], path: Path) -> tuple[int, int, int]:
    """Numbers of the columns of paths, labels and parts; -1 where there is none of the last."""
    names = [name.strip().lower() for name in header]
    found = [
        next((names.index(name) for name in accepted if name in names), -1)
        for accepted in (PATH_COLUMNS, LABEL_COLUMNS, PART_COLUMNS)
    ]
    for number, accepted in zip(found[:2], (PATH_COLUMNS, LABEL_COLUMNS), strict=True):
        if number < 0:
            raise DataError(
                f"{display_path(path)} has the columns {list(header)[:20]!r}, but none named "
                f"{' or '.join(accepted)}: add a first line of column names"
            )
    return found[0], found[1], found[2]


def _make_row(values: list[str], columns: tuple[int, int, int], place: str) -> Row:
    path_column, label_column, part_column = columns
    if max(columns) >= len(values) - 1:
        raise DataError(f"{place} has fewer values than there are columns: complete the line")
    path, label, part = values[path_column], values[label_column].strip(), values[part_column]
    if not path or not label:
        raise DataError(f"{place} has an empty {'label' if path else 'path'}: fill it in")
    if part_column < 0:
        return Row(path, label, None)
    if part.strip().lower() not in PART_NAMES:
        raise DataError(
            f"{place} names the part {part!r}, which is none of {', '.join(PART_NAMES)}"
        )
    return Row(path, label, PART_NAMES[part.strip().lower()])


def _relative(name: str, root: Path, table: Path, line: int) -> str:
    base = os.path.abspath(root)  # noqa: PTH100 - `..` is resolved, links are not
    relative = os.path.relpath(os.path.join(base, name), base)  # noqa: PTH118
    if "\0" in name or relative == ".." or relative.startswith(f"..{os.sep}"):
        raise DataError(
            f"{display_path(table)}, image {line}: {name!r} is outside {display_path(root)}. "
            "Only images inside are read: name another folder as the root."
        )
    return relative


def _sort_labels(labels: set[str]) -> list[str]:
    if all(label.isascii() and label.isdigit() and len(label) < 19 for label in labels):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels)
