"""Whether two machines see the same files under the same path."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOKEN_PREFIX = ".seen-"  # noqa: S105 (a file's name)


@dataclass(frozen=True)
class Sight:
    """What a machine sees at a path."""

    path: Path
    names: tuple[tuple[str, int | None], ...]
    """What is there: files with their sizes, folders without; the empty name is the path itself."""

    def is_seen(self) -> bool:
        """Whether this machine sees them too."""
        return all(_is_there(self.path / name, size) for name, size in self.names)


def look_at(path: Path) -> Sight:
    """What is to be seen at a file, or of a folder at its top.

    What this machine does not have may well be on others: they are then taken to see it.

    Raises:
        OSError: if it cannot be read.
    """
    if not path.exists():
        return Sight(path, ())
    if path.is_file():
        return Sight(path, (("", path.stat().st_size),))
    names = [(p.name, p.stat().st_size if p.is_file() else None) for p in sorted(path.iterdir())]
    return Sight(path, (("", None), *names))


@contextmanager
def show(folders: Sequence[Path]) -> Iterator[dict[Path, Sight]]:
    """Within it each folder has a file that only machines see which share it.

    Raises:
        OSError: if a folder cannot be written.
    """
    sights = {}
    name = f"{TOKEN_PREFIX}{secrets.token_hex(16)}"
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
            sights[folder] = Sight(folder, ((name, 0),))
        yield sights
    finally:
        for folder in sights:
            (folder / name).unlink(missing_ok=True)


def _is_there(path: Path, size: int | None) -> bool:
    try:
        return path.is_dir() if size is None else path.is_file() and path.stat().st_size == size
    except OSError:
        return False
