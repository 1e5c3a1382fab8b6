"""The rows of a table of images, as CSV, JSON lines or Parquet; a table is not trusted."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reslab.data.reading import MAX_FILE_BYTES, display_path
from reslab.data.sources.optional import import_optional
from reslab.data.sources.parts import PART_NAMES
from reslab.errors import DataError, ReslabError

PATH_COLUMNS = ("path", "file_name", "filename", "file", "image", "image_path")
LABEL_COLUMNS = ("label", "class", "class_name", "category", "target")
PART_COLUMNS = ("split", "part", "subset", "set")


@dataclass(frozen=True)
class Row:
    """One image."""

    path: str
    label: str
    part: str | None
    """One of `PARTS`, or None where the table has no column for it."""
    place: str
    """Where in the table it stands, for messages."""


@dataclass(frozen=True)
class _Columns:
    path: str
    label: str
    part: str | None


def read_rows(path: Path) -> list[Row]:
    """Read a table: `.csv`, `.tsv`, `.jsonl` or `.parquet`.

    Columns are recognised by their names, whatever their case: `PATH_COLUMNS`, `LABEL_COLUMNS`,
    `PART_COLUMNS`.

    Raises:
        DataError: if it cannot be read, lists no image, or lacks a column or a value.
    """
    rows = list(_READERS[path.suffix.lower()](path))
    if not rows:
        raise DataError(f"{display_path(path)} lists no image: add a line for each")
    return rows


def _read_csv(path: Path) -> Iterator[Row]:
    kind = "CSV in UTF-8, with a first line of column names"
    with _reading(path, kind), path.open(encoding="utf-8-sig", newline="") as file:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
        lines = csv.reader(file, delimiter=delimiter, strict=True)
        header = next(lines, [])
        columns = _find_columns(header, path)
        for line in filter(None, lines):
            place = f"{display_path(path)}:{lines.line_num}"
            if len(line) != len(header):
                raise DataError(
                    f"{place} has {len(line)} values for {len(header)} columns: quote those that "
                    "hold the separator, and leave none out"
                )
            yield _make_row(dict(zip(header, line, strict=True)), columns, place)


def _read_json_lines(path: Path) -> Iterator[Row]:
    with (
        _reading(path, "one JSON object a line, in UTF-8"),
        path.open(encoding="utf-8-sig") as file,
    ):
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            place = f"{display_path(path)}:{number}"
            values = json.loads(line)
            if not isinstance(values, dict):
                raise DataError(f"{place} is not a JSON object: write one a line")
            yield _make_row(values, _find_columns(list(values), path), place)


def _read_parquet(path: Path) -> Iterator[Row]:
    parquet = import_optional("pyarrow.parquet", "data", "Parquet files")
    with _reading(path, "Parquet"), parquet.ParquetFile(path) as file:
        columns = _find_columns(file.schema_arrow.names, path)
        wanted = [name for name in (columns.path, columns.label, columns.part) if name is not None]
        number = 0
        for batch in file.iter_batches(columns=wanted):
            for values in batch.to_pylist():
                number += 1
                yield _make_row(values, columns, f"{display_path(path)}, row {number}")


_READERS = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}
SUFFIXES = tuple(_READERS)


@contextmanager
def _reading(path: Path, kind: str) -> Iterator[None]:
    """Refuse a table that is too large, and name one that cannot be read."""
    size = path.stat().st_size if path.is_file() else 0
    if size > MAX_FILE_BYTES and path.suffix.lower() != ".parquet":
        raise DataError(
            f"{display_path(path)} has {size:,} bytes, more than the limit of "
            f"{MAX_FILE_BYTES:,}: save it as Parquet"
        )
    try:
        yield
    except ReslabError:
        raise
    except Exception as error:  # Parsers raise anything at all on damaged input.
        raise DataError(
            f"cannot read {display_path(path)} as a table: {error}. Save it as {kind}."
        ) from error


def _find_columns(header: Sequence[str], path: Path) -> _Columns:
    names = {name.strip().lower(): name for name in reversed(header)}

    def find(accepted: Sequence[str]) -> str | None:
        return next((names[name] for name in accepted if name in names), None)

    for accepted in (PATH_COLUMNS, LABEL_COLUMNS):
        if find(accepted) is None:
            raise DataError(
                f"{display_path(path)} has the columns {list(header)[:20]!r}, but none named "
                f"{' or '.join(accepted)}: name one so"
            )
    return _Columns(find(PATH_COLUMNS) or "", find(LABEL_COLUMNS) or "", find(PART_COLUMNS))


def _make_row(values: Mapping[str, object], columns: _Columns, place: str) -> Row:
    path, label = values.get(columns.path), values.get(columns.label)
    for what, value in (("path", path), ("label", label)):
        # True and 1.0 are no names of classes; whoever wrote them meant something else.
        if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
            raise DataError(f"{place} has the {what} {value!r}: give text or a whole number")
    part = None if columns.part is None else _find_part(values.get(columns.part), place)
    return Row(str(path), str(label).strip(), part, place)


def _find_part(value: object, place: str) -> str:
    part = PART_NAMES.get(str(value).strip().lower())
    if part is None:
        raise DataError(f"{place} names the part {value!r}, which is none of {list(PART_NAMES)}")
    return part
