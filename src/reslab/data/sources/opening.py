"""From a path that somebody gives to the data set that lies there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reslab.data.image_set import ImageCollection
from reslab.data.reading import escape
from reslab.data.sources.class_folders import open_class_folders
from reslab.data.sources.hugging_face import describes_images, holds_data_set, open_hugging_face
from reslab.data.sources.packed import is_packed, open_packed
from reslab.data.sources.parts import Splitting
from reslab.data.sources.shard_fetching import is_url
from reslab.data.sources.shards import list_folder_shards, open_shards
from reslab.data.sources.table import find_metadata, open_metadata, open_table
from reslab.data.sources.table_rows import SUFFIXES
from reslab.errors import DataError

_PATTERN = frozenset("*?[{")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a source may need to know beyond the path."""

    splitting: Splitting = field(default_factory=Splitting)
    root: Path | None = None
    """Of the images that a table names, if not its own folder."""
    cache: Path | None = None
    """Where shards at a URL are copied to."""


@dataclass(frozen=True)
class Source:
    """A form in which a data set may lie at a path."""

    recognises: Callable[[str], bool]
    open: Callable[[str, Opening], ImageCollection]


def _is_table(path: str) -> bool:
    return Path(path).suffix.lower() in SUFFIXES and Path(path).is_file()


def _holds_images(path: str) -> bool:
    file = Path(path)
    return file.suffix.lower() == ".parquet" and file.is_file() and describes_images(file)


def _is_shards(path: str) -> bool:
    if is_url(path) or Path(path).suffix == ".tar":
        return True
    if Path(path).is_dir():
        return bool(list_folder_shards(Path(path)))
    return not Path(path).exists() and bool(_PATTERN & set(path))


SOURCES = (
    Source(
        lambda path: not is_url(path) and is_packed(Path(path)),
        lambda path, opening: open_packed(Path(path), opening.splitting),
    ),
    Source(
        _holds_images,
        lambda path, opening: open_hugging_face(Path(path), opening.splitting),
    ),
    Source(
        _is_table,
        lambda path, opening: open_table(Path(path), opening.splitting, opening.root),
    ),
    Source(
        lambda path: bool(find_metadata(Path(path))),
        lambda path, opening: open_metadata(Path(path), opening.splitting),
    ),
    Source(
        lambda path: Path(path).is_dir() and holds_data_set(Path(path)),
        lambda path, opening: open_hugging_face(Path(path), opening.splitting),
    ),
    Source(
        _is_shards,
        lambda path, opening: open_shards(path, opening.splitting, opening.cache),
    ),
    Source(
        lambda path: Path(path).is_dir(),
        lambda path, opening: open_class_folders(Path(path), opening.splitting),
    ),
)
"""The first that recognises a path opens it."""


def open_images(path: str, opening: Opening | None = None) -> ImageCollection:
    """Open the data set at a path; only its index is read.

    Args:
        path: a folder of class folders, a CSV or Parquet file, shards (a file, a folder, a pattern,
            a URL), a folder that `reslab data pack` wrote, or one of Hugging Face's `datasets`.
        opening: what else a source may need.

    Raises:
        DataError: if nothing is there, or it is not what it should be.
        ConfigError: if an option that the source needs is missing.
    """
    opening = opening or Opening()
    for source in SOURCES:
        if source.recognises(path):
            return source.open(path, opening)
    raise DataError(
        f"no data set at {escape(path)}, and none of that name: give a folder of class folders, a "
        ".csv or .parquet file of paths and labels, WebDataset shards (.tar, a pattern or a URL), "
        "or a folder of Hugging Face's `datasets`"
    )
