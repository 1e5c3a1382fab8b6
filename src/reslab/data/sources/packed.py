"""Shards that `reslab data pack` wrote, with what it noted of them."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from reslab.data.image_set import ImageCollection, ImageSet
from reslab.data.names import is_name, pack_names
from reslab.data.reading import MAX_FILE_BYTES, display_path, escape, read_regular_file
from reslab.data.sources.parts import Found, Splitting, assemble
from reslab.data.sources.shard_scanning import MAX_CLASSES
from reslab.data.sources.shards import TarStore
from reslab.errors import ConfigError, DataError
from reslab.files.documents import from_document, read_json

KIND = "packed shards"
INDEX_FILE, PLAN_FILE = "reslab-index.json", "reslab-plan.json"
"""The last file of a packing, and the first."""
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """An image that could not be packed."""

    name: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class ShardContents:
    """What one shard holds, as a file beside it; column by column."""

    sha256: str
    """Of the shard."""
    bytes: int
    """Of the shard."""
    plan: str
    """Digest of all that determines the shard."""
    names: list[str]
    """Members that are images."""
    sources: list[str]
    """What they were called where they came from."""
    offsets: list[int]
    sizes: list[int]
    labels: list[int]
    left_out: list[LeftOut]


@dataclass(frozen=True, kw_only=True)
class ShardEntry:
    """A shard as the index lists it."""

    file: str
    part: str
    images: int
    bytes: int
    sha256: str
    """Of the shard."""
    contents_sha256: str
    """Of the file beside it."""


@dataclass(frozen=True, kw_only=True)
class PackedIndex:
    """The whole of a packed data set."""

    version: int
    plan: str
    """Digest of source and settings."""
    class_names: list[str]
    shards: list[ShardEntry]
    left_out: list[LeftOut]

    def to_document(self) -> dict[str, object]:
        """As plain JSON types."""
        return asdict(self)


def contents_path(shard: Path) -> Path:
    """The file beside a shard that says what it holds."""
    return shard.with_suffix(".json")


def is_packed(root: Path) -> bool:
    """Whether a folder is of `reslab data pack`, finished or not."""
    return any((root / name).is_file() for name in (INDEX_FILE, PLAN_FILE))


def open_packed(root: Path, splitting: Splitting) -> ImageCollection:
    """Open packed shards by their index; the shards themselves are not read.

    Raises:
        DataError: if the packing is not finished, the index or what lies beside a shard is damaged,
            or a shard is missing or has another size.
    """
    if not (root / INDEX_FILE).is_file():
        raise DataError(
            f"{display_path(root)} is not packed to the end: the same `reslab data pack` goes on"
        )
    index = read_index(root)
    by_part: dict[str, list[ShardEntry]] = {}
    for entry in index.shards:
        by_part.setdefault(entry.part, []).append(entry)
    found: Found = {part: _join(root, entries) for part, entries in by_part.items()}
    return assemble(str(root), KIND, tuple(index.class_names), found, splitting)


def read_index(root: Path) -> PackedIndex:
    """Read the index of a packed data set.

    Raises:
        DataError: if it is damaged or of another version.
    """
    path = root / INDEX_FILE
    try:
        index = from_document(read_json(path), PackedIndex, display_path(path))
    except ConfigError as error:
        raise DataError(f"{error} Pack the data set again.") from error
    if index.version != VERSION:
        raise DataError(f"{display_path(path)} has version {index.version}, expected {VERSION}")
    return index


def read_contents(root: Path, entry: ShardEntry) -> ShardContents:
    """Read what a shard holds, and look whether the shard is there whole.

    Raises:
        DataError: if either is not as the index says.
    """
    if Path(entry.file).name != entry.file:
        raise DataError(
            f"{display_path(root / INDEX_FILE)} names a file outside: {entry.file!r}. It is not "
            "read."
        )
    shard = root / entry.file
    path = contents_path(shard)
    content = read_regular_file(path)
    if hashlib.sha256(content).hexdigest() != entry.contents_sha256:
        raise DataError(f"{display_path(path)} is not the file that was packed: pack again")
    contents = from_document(read_json(path), ShardContents, display_path(path))
    size = shard.stat().st_size if shard.is_file() else None
    if size != entry.bytes:
        raise DataError(
            f"{display_path(shard)} should have {entry.bytes:,} bytes, but "
            + ("is missing" if size is None else f"has {size:,}")
            + ": restore it from a copy, or pack the data set again"
        )
    _check_columns(contents, path)
    return contents


def _check_columns(contents: ShardContents, path: Path) -> None:
    columns = (contents.sources, contents.offsets, contents.sizes, contents.labels)
    if any(len(column) != len(contents.names) for column in columns):
        raise DataError(f"{display_path(path)} has columns of different lengths: pack again")
    if any(not 0 <= label < MAX_CLASSES for label in contents.labels):
        raise DataError(f"{display_path(path)} has a label that is no class: pack again")
    if any(not is_name(name) for name in contents.names):
        raise DataError(f"{display_path(path)} has a name that no file can have: pack again")
    for name, offset, size in zip(contents.names, contents.offsets, contents.sizes, strict=True):
        if offset < 0 or not 0 < size <= MAX_FILE_BYTES or offset + size > contents.bytes:
            raise DataError(
                f"{display_path(path)}: {escape(name)} of {size:,} bytes at {offset:,} does not "
                "lie in the shard: pack again"
            )


def _join(root: Path, entries: list[ShardEntry]) -> ImageSet:
    contents = [read_contents(root, entry) for entry in entries]
    counts = [len(each.names) for each in contents]
    store = TarStore(
        tuple(str(root / entry.file) for entry in entries),
        pack_names(name for each in contents for name in each.names),
        np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        np.array([offset for each in contents for offset in each.offsets], dtype=np.int64),
        np.array([size for each in contents for size in each.sizes], dtype=np.int64),
    )
    labels = [label for each in contents for label in each.labels]
    return ImageSet(store, np.array(labels, dtype=np.int64))
