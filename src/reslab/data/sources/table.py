"""Images that a table lists: a CSV, JSON-lines or Parquet file of paths and labels."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from reslab.data.image_set import ImageCollection, ImageSet
from reslab.data.names import pack_names
from reslab.data.reading import display_path
from reslab.data.sources.class_folders import find_part_folders
from reslab.data.sources.files import FileStore
from reslab.data.sources.parts import PART_NAMES, Splitting, assemble
from reslab.data.sources.table_rows import Row, read_rows
from reslab.errors import DataError

KIND = "table of paths and labels"
METADATA_FILES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""What a folder of images of Hugging Face's `datasets` has beside them."""


def open_table(path: Path, splitting: Splitting, root: Path | None = None) -> ImageCollection:
    """Open the images of a table; the classes are the different labels, sorted.

    Labels that all are whole numbers are sorted by value.

    Args:
        path: the table, as `read_rows` takes it.
        splitting: how to hold out images if no column names their part.
        root: the folder that holds the images; the table's own by default. Paths are relative to
            it, or absolute and inside it: a table that someone else wrote cannot name other files
            (links inside the folder are followed).

    Raises:
        DataError: if the table cannot be read, lacks a column or a value, or names a file outside
            the folder.
    """
    return _open_rows(read_rows(path), root or path.parent, path, splitting)


def find_metadata(root: Path) -> list[Path]:
    """The tables of a folder, in it or in the folders of its parts; none if it has none."""
    for folders in ([root], list(find_part_folders(root).values())):
        found = [folder / name for folder in folders for name in METADATA_FILES]
        if present := [path for path in found if path.is_file()]:
            return present
    return []


def open_metadata(root: Path, splitting: Splitting) -> ImageCollection:
    """Open a folder whose images are listed by tables in it or in the folders of its parts.

    Unless a column names the parts of the images, their folders do: `train/1.png`.

    Raises:
        DataError: as `open_table`.
    """
    rows = [
        _place_below(row, table.parent.relative_to(root))
        for table in find_metadata(root)
        for row in read_rows(table)
    ]
    return _open_rows(rows, root, root, splitting)


def _place_below(row: Row, folder: Path) -> Row:
    path = PurePosixPath(folder.as_posix(), row.path)
    part = row.part or PART_NAMES.get(path.parts[0].lower() if len(path.parts) > 1 else "")
    return Row(str(path), row.label, part, row.place)


def _open_rows(
    rows: Sequence[Row], root: Path, origin: Path, splitting: Splitting
) -> ImageCollection:
    names = [_find_inside(row, root) for row in rows]
    class_names = tuple(_sort_labels({row.label for row in rows}))
    numbers = {name: number for number, name in enumerate(class_names)}
    labels = np.array([numbers[row.label] for row in rows], dtype=np.int64)
    parts = np.array([row.part or "" for row in rows])
    found = {}
    for part in dict.fromkeys(row.part for row in rows):
        chosen = np.flatnonzero(parts == (part or ""))
        packed = pack_names(names[index] for index in chosen)
        found[part] = ImageSet(FileStore(str(root), packed), labels[chosen])
    return assemble(str(origin), KIND, class_names, found, splitting)


def _find_inside(row: Row, root: Path) -> str:
    base = os.path.abspath(root)  # noqa: PTH100 - `..` is resolved, links are not
    relative = os.path.relpath(os.path.join(base, row.path), base)  # noqa: PTH118
    if "\0" in row.path or relative == ".." or relative.startswith(f"..{os.sep}"):
        raise DataError(
            f"{row.place}: {row.path!r} is outside {display_path(root)}. Only images inside are "
            "read: name another folder as the root."
        )
    return relative


def _sort_labels(labels: set[str]) -> list[str]:
    if all(label.isascii() and label.isdigit() and len(label) < 19 for label in labels):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels)
