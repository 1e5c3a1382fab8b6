"""Writing a file so that a reader sees the old content or the new, never a part."""

import os
import tempfile
from pathlib import Path

PART_SUFFIX = ".part"
"""Of a file that is being written; one that a killed process left is of no use."""


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`; a crash at any moment leaves the old file or the new one.

    Raises:
        OSError: if the folder cannot be written; `path` is then unchanged.
    """
    try:
        _write_beside(path, content)
    except OSError as error:
        if error.errno is not None:
            # What the caller asked for, not the name it has until it is whole.
            error.filename = str(path)
        raise
    _sync_folder(path.parent)


def _write_beside(path: Path, content: bytes) -> None:
    handle, temporary_name = tempfile.mkstemp(PART_SUFFIX, f".{path.name}.", path.parent)
    temporary = Path(temporary_name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_parts(folder: Path) -> None:
    """Remove what killed processes left half written; nobody else may be writing in `folder`."""
    for part in folder.glob(f".*{PART_SUFFIX}"):
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    # Without this a power failure may forget the rename although the data is on disk.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
