"""Tar files for tests, whole and otherwise."""

import tarfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

Member = tuple[str, bytes]


def write_tar(path: Path, members: Iterable[Member]) -> Path:
    """Write a tar file of plain members."""
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            add_member(tar, name, content)
    return path


def add_member(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a plain member."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, BytesIO(content))


def list_samples(photos: Path, count: int) -> list[Member]:
    """Members of a shard: `count` images, each with its class."""
    classes = sorted(path.name for path in photos.iterdir())
    members = []
    for number, path in enumerate(sorted(photos.rglob("*.jpg"))[:count]):
        label = classes.index(path.parent.name)
        members += [(f"{number:04}.jpg", path.read_bytes()), (f"{number:04}.cls", b"%d" % label)]
    return members
