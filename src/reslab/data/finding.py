"""Image files from paths, folders and lists of any length, one at a time and in a fixed order."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from reslab.data.images import SUFFIXES
from reslab.data.reading import display_path
from reslab.errors import DataError

MAX_PATH_BYTES = 2**16

OnFailure = Callable[[Path, DataError], None]
"""Told of each folder that cannot be searched or holds no image."""


def find_images(paths: Iterable[Path], on_failure: OnFailure) -> Iterator[Path]:
    """Yield each file as it is given and the images of each folder, searched recursively.

    In a folder, names are sorted, hidden ones and those without an image's suffix are passed over,
    and symbolic links are followed, but no folder is entered twice. Whether a file can be read
    shows when it is read.
    """
    for path in paths:
        if not _is_folder(path):
            yield path
            continue
        found = False
        for image in _search(path, on_failure):
            found = True
            yield image
        if not found:
            on_failure(path, DataError(f"the folder {display_path(path)} holds no image"))


def read_paths(chunks: Iterable[bytes], separator: bytes = b"\n") -> Iterator[Path]:
    """Yield the paths that a stream lists, as they arrive; empty ones are passed over.

    Args:
        chunks: the stream, cut anywhere.
        separator: what ends a path: a newline, or a zero byte for names that hold newlines.

    Raises:
        DataError: if the stream is not a list of paths.
    """
    pending = b""
    for chunk in chunks:
        *complete, pending = (pending + chunk).split(separator)
        yield from (Path(os.fsdecode(name)) for name in complete if name)
        if len(pending) > MAX_PATH_BYTES:
            raise DataError(
                f"standard input is not a list of paths: {len(pending):,} bytes without a separator"
            )
    if pending:
        yield Path(os.fsdecode(pending))


def _search(folder: Path, on_failure: OnFailure) -> Iterator[Path]:
    entered: set[tuple[int, int]] = set()
    pending = [folder]
    while pending:
        path = pending.pop()
        if _is_folder(path):
            pending += reversed(_list(path, on_failure, entered))
        elif path.suffix.lower() in SUFFIXES:
            yield path


def _list(folder: Path, on_failure: OnFailure, entered: set[tuple[int, int]]) -> list[Path]:
    try:
        status = folder.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in entered:
            return []
        entered.add(identity)
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        on_failure(folder, DataError(f"cannot search {display_path(folder)}: {error.strerror}"))
        return []


def _is_folder(path: Path) -> bool:
    # Path.is_dir raises where a name is too long or a folder may not be entered.
    return os.path.isdir(path)  # noqa: PTH112
