"""What lies in a WebDataset shard and where; a shard is not trusted."""

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from reslab.data.images import SUFFIXES
from reslab.data.reading import MAX_FILE_BYTES, display_path, escape
from reslab.errors import DataError

MAX_HEADER_BYTES = 2**20
MAX_LABEL_BYTES = 2**16
MAX_CLASSES = 2**20


@dataclass(frozen=True)
class ShardItem:
    """One image of a shard."""

    name: str
    offset: int
    size: int
    label: int


@dataclass
class _Sample:
    image: tarfile.TarInfo | None = None
    label: int | None = None


def scan_shard(path: Path) -> Iterator[ShardItem]:
    """Yield the images of a shard; contents are passed over, but for labels.

    Members with the same name up to its first dot are one image: `.jpg`, `.png` and so on hold it,
    `.cls` or the `label` of `.json` its class. What else a sample holds is passed over.

    Raises:
        DataError: if the shard cannot be read, is compressed or cut short, holds links, devices,
            names that lead outside, or members beyond the limits, or an image lacks its label.
    """
    shown = display_path(path)
    try:
        with path.open("rb") as file, _open_tar(file, shown) as tar:
            end = path.stat().st_size
            samples: dict[str, _Sample] = {}
            current = ""
            for member in tar:
                if member.isdir():
                    continue
                _check(member, end, shown)
                key, suffix = _split_name(member.name)
                if key != current and samples:
                    yield _finish(samples.pop(current), current, shown)
                current = key
                _take(member, suffix, samples.setdefault(key, _Sample()), tar, shown)
                # A shard of a million members would otherwise keep them all.
                tar.members = []  # type: ignore[attr-defined]
            for key, sample in samples.items():
                yield _finish(sample, key, shown)
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        raise DataError(
            f"cannot read the shard {shown}: {error}. Shards are whole, uncompressed tar files."
        ) from error


def _open_tar(file: IO[bytes], shown: str) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast("IO[bytes]", _Bounded(file, shown)), mode="r:")


class _Bounded:
    """A file that refuses to read the endless headers that a tar file may announce."""

    def __init__(self, file: IO[bytes], shown: str) -> None:
        self._file = file
        self._shown = shown
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise DataError(f"the shard {self._shown} has a header of {size:,} bytes: refused")
        return self._file.read(size)


def _check(member: tarfile.TarInfo, end: int, shown: str) -> None:
    name = escape(member.name)
    parts = PurePosixPath(member.name).parts
    if not member.isreg() or member.issparse():
        raise DataError(f"the shard {shown} holds {name}, which is no plain file: refused")
    if member.name.startswith("/") or ".." in parts:
        raise DataError(f"the shard {shown} holds {name}, which leads outside: refused")
    if member.size > MAX_FILE_BYTES:
        raise DataError(
            f"the shard {shown} holds {name} of {member.size:,} bytes, more than the limit of "
            f"{MAX_FILE_BYTES:,}: refused"
        )
    if member.offset_data + member.size > end:
        raise DataError(f"the shard {shown} is cut short within {name}: restore it from a copy")


def _split_name(name: str) -> tuple[str, str]:
    folder, slash, base = name.rpartition("/")
    key, _, suffix = base.partition(".")
    return folder + slash + key, suffix.lower()


def _take(
    member: tarfile.TarInfo, suffix: str, sample: _Sample, tar: tarfile.TarFile, shown: str
) -> None:
    if f".{suffix}" in SUFFIXES:
        sample.image = member
    elif suffix in {"cls", "json"}:
        label = _parse_label(_read_label(member, tar, shown), suffix)
        sample.label = sample.label if label is None else label


def _read_label(member: tarfile.TarInfo, tar: tarfile.TarFile, shown: str) -> bytes:
    file = tar.extractfile(member)
    if file is None or member.size > MAX_LABEL_BYTES:
        raise DataError(f"the shard {shown} has a label that is no label: {escape(member.name)}")
    return file.read(member.size)


def _parse_label(content: bytes, suffix: str) -> int | None:
    text: object = content.decode("utf-8", "replace").strip()
    if suffix == "json":
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            return None
        text = document.get("label") if isinstance(document, dict) else None
    if isinstance(text, bool) or not re.fullmatch("[0-9]{1,7}", str(text)):
        return None
    return int(str(text))


def _finish(sample: _Sample, key: str, shown: str) -> ShardItem:
    if sample.image is None or sample.label is None or sample.label >= MAX_CLASSES:
        lack = "image" if sample.image is None else f"label from 0 to {MAX_CLASSES - 1:,}"
        raise DataError(
            f"the shard {shown}: {escape(key)} has no {lack}. Each image needs a .cls member with "
            "its class as a number beside it."
        )
    image = sample.image
    return ShardItem(image.name, image.offset_data, image.size, sample.label)
