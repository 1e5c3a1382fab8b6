"""A CSV file as named columns of numbers, with every way it can be damaged answered in words."""

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

from reslab.errors import DataError

MAX_BYTES = 200_000_000
DELIMITERS = ",;\t|"
NOT_MEASURED = {"", "-", "--", "none", "null", "n/a", "na", "<na>", "#n/a"}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of numbers by column; None is a cell that was not measured."""

    header: tuple[str, ...]
    rows: list[dict[str, float | None]]
    """At least one."""
    words: dict[str, str]
    """By column, the first cell that holds neither a number nor nothing, and its row."""
    ended: bool = True
    """Whether the file ends with the end of a line; a last line without is left out."""


def read_table(path: Path) -> Table:
    """Read a CSV file with a line of names.

    A last line cut short is left out, and so are comments and repetitions of the line of names.

    Raises:
        DataError: if the file cannot be read, is too large, not text, or has no rows.
    """
    text = _read_text(path)
    lines = [line for line in io.StringIO(text) if line.strip() and not line.startswith("#")]
    if not lines:
        raise DataError(f"{path} is empty: a log has a line of names and a line for each epoch")
    delimiter = max(DELIMITERS, key=lines[0].count)
    try:
        records = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise DataError(f"{path} is not CSV: {error}; export the log as CSV again") from error
    header = tuple(name.strip() for name in records[0])
    _check_header(header, path)
    ended = text.endswith(("\n", "\r"))
    body = _whole_rows(records[1:], header, path, ended=ended)
    rows = [_to_numbers(header, record, delimiter) for record in body]
    if not rows:
        raise DataError(f"{path} has a line of names but no rows: has the run written its log?")
    words = _find_words(header, body, delimiter)
    return Table(header=header, rows=rows, words=words, ended=ended)


def _read_text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(
                f"{path} has {size / 1e6:,.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB that are "
                "read: keep one row for each epoch, or every hundredth step"
            )
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    return _decode(content, path)


def _decode(content: bytes, path: Path) -> str:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        # Numbers and most names are ASCII in any of the old encodings; Latin-1 has every byte.
        text = content.decode("latin-1")
    if "\0" in text:
        raise DataError(f"{path} is not a text file: export the log as CSV")
    return text


def _check_header(header: tuple[str, ...], path: Path) -> None:
    if all(_is_number(name) for name in header):
        raise DataError(
            f"{path} begins with numbers: write a first line that names the columns, such as "
            "epoch,train_error,test_error"
        )
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise DataError(f"{path} has several columns named {sorted(twice)[0]!r}: rename them")


def _whole_rows(
    records: list[list[str]], header: tuple[str, ...], path: Path, *, ended: bool
) -> list[list[str]]:
    names = list(header)
    rows = []
    for number, record in enumerate(records):
        if [cell.strip() for cell in record] == names:
            continue
        last = number == len(records) - 1
        if last and (len(record) < len(names) or not ended):
            # Without its end it may be cut in the middle of its last number.
            continue
        if len(record) < len(names):
            raise DataError(
                f"{path}, row {number + 1}: {len(record)} cells for {len(names)} columns: repair "
                "or delete that line"
            )
        rows.append(record)
    return rows


def _to_numbers(
    header: tuple[str, ...], record: list[str], delimiter: str
) -> dict[str, float | None]:
    return {
        name: _to_number(cell, delimiter)
        for name, cell in zip(header, record, strict=False)
        if name
    }


def _find_words(
    header: tuple[str, ...], records: list[list[str]], delimiter: str
) -> dict[str, str]:
    words: dict[str, str] = {}
    for number, record in enumerate(records):
        for name, cell in zip(header, record, strict=False):
            if name not in words and not _is_empty(cell) and _to_number(cell, delimiter) is None:
                words[name] = f"{cell.strip()[:40]!r} in row {number + 1}"
    return words


def _is_empty(cell: str) -> bool:
    return cell.strip().lower() in NOT_MEASURED


def _to_number(cell: str, delimiter: str) -> float | None:
    text = cell.strip().removesuffix("%").rstrip()
    if delimiter != ",":
        text = text.replace(",", ".")
    return float(text) if _is_number(text) else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
