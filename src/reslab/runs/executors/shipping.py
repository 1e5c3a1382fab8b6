"""Files between machines that do not see each other's disks: what changed, and in which order.

A reader of a run's folder may rely on the order in which its files were written: measurements up to
a checkpoint before that checkpoint, the result last. A parcel keeps it: its files are read from the
newest to the oldest, and written from the oldest to the newest. Files that grow are read last and
written first, so that they say at least what the others rely on.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from reslab.errors import RunError
from reslab.files.atomic import write_atomically
from reslab.runs.directory import RESULT_FILE

# Only ever appended to, or replaced as a whole.
GROWING_SUFFIX = ".jsonl"
TAIL_BYTES = 256


@dataclass(frozen=True)
class Piece:
    """A file, or what was appended to it."""

    root: int
    """Which of the paths shipped it belongs to."""
    name: str
    """Path below that; empty where the path is the file itself."""
    start: int
    """Where in the file the content goes; 0 replaces it."""
    content: bytes


@dataclass(frozen=True)
class Parcel:
    """What changed since the last one."""

    pieces: tuple[Piece, ...] = ()
    """In the order in which to write them."""
    gone: tuple[tuple[int, str], ...] = ()
    """Files that are there no more, by root and name."""


class Sender:
    """Packs what changed below some paths since the last time.

    Args:
        roots: folders and files; need not exist yet.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(roots)
        self.sent: dict[tuple[int, str], _Stamp] = {}

    def pack(self) -> Parcel:
        """What is new or changed, and what has gone."""
        found = {
            (root, name): path
            for root, top in enumerate(self.roots)
            for name, path in _list_files(top)
        }
        stamps = {key: stamp for key, path in found.items() if (stamp := _stamp(path))}
        pieces = []
        for key in sorted(stamps, key=lambda key: _turn(found[key], stamps[key]), reverse=True):
            if stamps[key] == self.sent.get(key):
                continue
            piece = _read_piece(key, found[key], stamps[key], self.sent.get(key))
            if piece is not None:
                pieces.append(piece)
                self.sent[key] = _stamp_sent(stamps[key], piece, self.sent.get(key))
        gone = tuple(self.sent.keys() - found.keys())
        for key in gone:
            del self.sent[key]
        return Parcel(tuple(reversed(pieces)), gone)


class Receiver:
    """Unpacks parcels below some paths.

    Args:
        roots: where each of the sender's paths is here.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(roots)

    def unpack(self, parcel: Parcel) -> None:
        """Write what changed, then remove what has gone.

        Raises:
            RunError: if a file would lie elsewhere, does not continue what is here, or cannot be
                written.
        """
        try:
            for piece in parcel.pieces:
                _write_piece(self._place(piece.root, piece.name), piece)
            for root, name in parcel.gone:
                self._place(root, name).unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"cannot write {error.filename}: {error.strerror}") from error

    def _place(self, root: int, name: str) -> Path:
        parts = Path(name).parts
        if not 0 <= root < len(self.roots) or Path(name).is_absolute() or ".." in parts:
            raise RunError(f"a file was sent for {name!r}, which is outside of the run: refused")
        return self.roots[root] / name if name else self.roots[root]


@dataclass(frozen=True)
class _Stamp:
    inode: int
    size: int
    changed_ns: int
    tail: bytes = field(default=b"", compare=False)
    """The last bytes sent. A file that was replaced twice may have its first inode again."""


def _stamp_sent(stamp: _Stamp, piece: Piece, before: _Stamp | None) -> _Stamp:
    sent = (before.tail if before and piece.start else b"") + piece.content
    return replace(stamp, size=piece.start + len(piece.content), tail=sent[-TAIL_BYTES:])


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return _Stamp(status.st_ino, status.st_size, status.st_mtime_ns)


def _turn(path: Path, stamp: _Stamp) -> tuple[int, int]:
    """Sorts files into the order in which to write them."""
    if path.suffix == GROWING_SUFFIX:
        return 0, stamp.changed_ns
    # The last one even where a clock is too coarse, or was set back.
    return 2 if path.name == RESULT_FILE else 1, stamp.changed_ns


def _list_files(top: Path) -> Iterator[tuple[str, Path]]:
    """Whole files at or below `top`; hidden ones are locks, and files still being written."""
    if top.is_file():
        yield "", top
        return
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                path = Path(folder) / name
                yield path.relative_to(top).as_posix(), path


def _read_piece(
    key: tuple[int, str], path: Path, stamp: _Stamp, sent: _Stamp | None
) -> Piece | None:
    """The file, or what was appended to it; None if it has just gone."""
    try:
        with path.open("rb") as file:
            goes_on = sent and sent.inode == stamp.inode and _ends_as_sent(file, path, sent)
            start = sent.size if sent and goes_on else 0
            file.seek(start)
            return Piece(*key, start, file.read())
    except FileNotFoundError:
        return None


def _ends_as_sent(file: BinaryIO, path: Path, sent: _Stamp) -> bool:
    """Whether a growing file still has, where it ended when it was sent, what it had there."""
    if path.suffix != GROWING_SUFFIX:
        return False
    file.seek(sent.size - len(sent.tail))
    return file.read(len(sent.tail)) == sent.tail


def _write_piece(path: Path, piece: Piece) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not piece.start:
        write_atomically(path, piece.content)
        return
    if path.stat().st_size != piece.start:
        raise RunError(
            f"{path} was changed by another process while a run wrote it: give the command again"
        )
    with path.open("ab", buffering=0) as file:
        file.write(piece.content)


def count_bytes(paths: Iterable[Path]) -> int:
    """Bytes of all files at or below the paths."""
    return sum(path.stat().st_size for top in paths for _, path in _list_files(top))
