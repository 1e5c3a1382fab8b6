"""A data set of Hugging Face's `datasets`: `save_to_disk` folders, or Parquet files of images.

A folder of class folders (their `imagefolder`) is read as such, and `metadata.csv` as a table.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslab.data.image_set import ImageCollection, ImageSet
from reslab.data.reading import display_path, read_regular_file
from reslab.data.sources.columns import ColumnStore, open_arrow, open_parquet, reading
from reslab.data.sources.optional import import_optional
from reslab.data.sources.parts import Splitting, assemble, find_part
from reslab.data.sources.table_rows import LABEL_COLUMNS
from reslab.errors import DataError

KIND = "Hugging Face data set"
IMAGE_COLUMNS = ("image", "img", "jpg", "png")
UNLABELLED = -1
"""The label of images that have none."""
STATE_FILE, DICT_FILE = "state.json", "dataset_dict.json"
_LABELS = (*LABEL_COLUMNS, "labels", "fine_label", "cls")


@dataclass(frozen=True, eq=False)
class _Column:
    """What one file holds."""

    image: str
    labels: list[Any]
    class_names: tuple[str, ...] | None


def holds_data_set(root: Path) -> bool:
    """Whether a folder was written by `save_to_disk` or holds Parquet files."""
    saved = any((root / name).is_file() for name in (STATE_FILE, DICT_FILE))
    return saved or any(root.glob("*.parquet")) or any(root.glob("data/*.parquet"))


def describes_images(file: Path) -> bool:
    """Whether a Parquet file has a column of images, rather than of paths.

    Raises:
        DataError: if it cannot be read.
    """
    pyarrow = import_optional("pyarrow", "data", "Parquet files")
    with reading(file):
        schema = open_parquet(str(file)).schema_arrow
    kinds = [schema.field(name).type for name in IMAGE_COLUMNS if name in schema.names]
    return any(pyarrow.types.is_struct(kind) or pyarrow.types.is_binary(kind) for kind in kinds)


def open_hugging_face(root: Path, splitting: Splitting) -> ImageCollection:
    """Find the images; class names are the data set's, or its different labels, sorted.

    A part whose every label is `UNLABELLED`, as published test parts may be, is passed over.

    Args:
        root: the folder, or one Parquet file with a column of images.
        splitting: how to hold out images if the data set has one part only.

    Raises:
        DataError: if a file cannot be read, names one outside the folder, or has no column of
            images or labels.
    """
    by_part = _list_files(root)
    columns = {file: _describe(file) for files in by_part.values() for file in files}
    labelled = {
        part: files
        for part, files in by_part.items()
        if any(label != UNLABELLED for file in files for label in columns[file].labels)
    }
    if not labelled:
        raise DataError(f"{display_path(root)} holds no labelled image: save the data set again")
    class_names = _find_class_names([columns[f] for fs in labelled.values() for f in fs], root)
    found = {
        part: _join(files, [columns[file] for file in files], class_names)
        for part, files in labelled.items()
    }
    return assemble(str(root), KIND, class_names, found, splitting)


def _list_files(root: Path) -> dict[str | None, list[Path]]:
    if root.is_file():
        return {None: [root]}
    if (root / DICT_FILE).is_file():
        splits = _read_json(root / DICT_FILE).get("splits", [])
        saved: dict[str | None, list[Path]] = {}
        for name in map(str, splits):
            saved.setdefault(find_part(Path(name)), []).extend(_list_saved(_inside(root, name)))
        return saved
    if (root / STATE_FILE).is_file():
        return {None: _list_saved(root)}
    by_part: dict[str | None, list[Path]] = {}
    for file in sorted([*root.glob("*.parquet"), *root.glob("data/*.parquet")]):
        # Without the folder, whose name says nothing of the part.
        by_part.setdefault(find_part(Path(file.name)), []).append(file)
    return by_part


def _list_saved(folder: Path) -> list[Path]:
    state = _read_json(folder / STATE_FILE)
    if state.get("_indices_files"):
        raise DataError(f"{display_path(folder)} was saved in part: call `flatten_indices` first")
    files = state.get("_data_files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise DataError(f"{display_path(folder / STATE_FILE)} lists no files: save it again")
    return [_inside(folder, str(file.get("filename"))) for file in files]


def _inside(folder: Path, name: str) -> Path:
    if Path(name).name != name or name in {"", "..", "."}:
        raise DataError(f"{display_path(folder)} names a file outside: {name!r}. It is not read.")
    return folder / name


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_regular_file(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{display_path(path)} is not JSON: {error}. Save it again.") from error
    if not isinstance(document, dict):
        raise DataError(f"{display_path(path)} is not a JSON object: save the data set again")
    return document


def _describe(file: Path) -> _Column:
    with reading(file):
        arrow = file.suffix == ".arrow"
        source = open_arrow(str(file)) if arrow else open_parquet(str(file))
        schema = source.schema if arrow else source.schema_arrow
        image = _find_column(schema.names, IMAGE_COLUMNS, file)
        label = _find_column(schema.names, _LABELS, file)
        table = source if arrow else source.read(columns=[label])
        labels = table.column(label).to_pylist()
    for row, value in enumerate(labels):
        if not isinstance(value, int | str):
            raise DataError(
                f"{display_path(file)}: row {row} has the {label} {value!r}: give text or a whole "
                "number"
            )
    return _Column(image, labels, _read_class_names(schema.metadata or {}, label))


def _find_column(names: Sequence[str], accepted: Sequence[str], file: Path) -> str:
    found = next((name for name in accepted if name in names), None)
    if found is None:
        raise DataError(
            f"{display_path(file)} has the columns {names[:20]!r}, but none named "
            f"{' or '.join(accepted)}: rename one"
        )
    return found


def _read_class_names(metadata: dict[bytes, bytes], label: str) -> tuple[str, ...] | None:
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][label]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return tuple(map(str, names)) if isinstance(names, list) else None


def _find_class_names(columns: list[_Column], root: Path) -> tuple[str, ...]:
    named = {column.class_names for column in columns}
    if len(named) > 1:
        raise DataError(f"the files of {display_path(root)} differ in their classes: save it again")
    (names,) = named
    if names is not None:
        return names
    labels = {label for column in columns for label in column.labels}
    whole = all(isinstance(label, int) for label in labels)
    return tuple(map(str, sorted(labels) if whole else sorted(map(str, labels))))


def _join(files: list[Path], columns: list[_Column], class_names: tuple[str, ...]) -> ImageSet:
    numbers = {name: number for number, name in enumerate(class_names)}
    lengths = [len(column.labels) for column in columns]
    labels: list[int] = []
    for file, column in zip(files, columns, strict=True):
        labels += [_number(label, column, numbers, file) for label in column.labels]
    store = ColumnStore(
        tuple(map(str, files)),
        columns[0].image,
        np.repeat(np.arange(len(files), dtype=np.int32), lengths),
        np.concatenate([np.arange(length, dtype=np.int64) for length in lengths]),
    )
    return ImageSet(store, _as_labels(labels))


def _number(label: Any, column: _Column, numbers: dict[str, int], file: Path) -> int:
    # The data set's own names are numbered by the data set.
    if column.class_names is not None and isinstance(label, int):
        return label
    if str(label) not in numbers:
        raise DataError(f"{display_path(file)} has the label {label!r}, which is no class")
    return numbers[str(label)]


def _as_labels(labels: list[int]) -> NDArray[np.int64]:
    return np.array(labels, dtype=np.int64)
