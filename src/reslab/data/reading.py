"""Reading a file that somebody else named: bounded in size, and never a wait without end."""

import os
import stat
from pathlib import Path

from reslab.errors import DataError

MAX_FILE_BYTES = 256 * 2**20

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


def read_regular_file(path: Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Read a whole regular file; pipes, devices and sockets are refused without being opened.

    Raises:
        DataError: if `path` cannot be read, is not a regular file, is empty or exceeds `max_bytes`.
    """
    try:
        _check(path, path.stat(), max_bytes)
        content = _read(path, max_bytes)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"cannot read {display_path(path)}: {reason}. Check the path and its permissions."
        ) from error
    if not content:
        raise DataError(f"{display_path(path)} is empty: restore it from a copy")
    if len(content) > max_bytes:
        raise _too_large(path, max_bytes)
    return content


def display_path(path: Path) -> str:
    """The path for a message: quoted and escaped if it holds newlines or other odd characters."""
    return escape(str(path))


def escape(text: str) -> str:
    """The text, or its quoted escaped form if it holds characters that could drive a terminal."""
    return text if text.isprintable() else ascii(text)


def _check(path: Path, status: os.stat_result, max_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "not a regular file")
        raise DataError(f"{display_path(path)} is {kind}: give a regular file")
    if status.st_size > max_bytes:
        raise _too_large(path, max_bytes)


def _read(path: Path, max_bytes: int) -> bytes:
    # The file may have been exchanged for a pipe since it was looked at: without O_NONBLOCK
    # opening that would wait for a writer. O_NOCTTY and O_NONBLOCK do not exist everywhere.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    flags |= getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        _check(path, status, max_bytes)
        # Not `max_bytes` at once: so much memory would be asked for.
        content = file.read(status.st_size + 1)
        if len(content) <= status.st_size:
            return content
        # The size on record is no bound: a file may grow, or claim a size of 0 as in /proc.
        return content + file.read(max_bytes + 1 - len(content))


def _too_large(path: Path, max_bytes: int) -> DataError:
    return DataError(
        f"{display_path(path)} is larger than the limit of {max_bytes:,} bytes: make it smaller"
    )
