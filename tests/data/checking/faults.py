"""A data set with every kind of fault, made of a sound one."""

import os
import shutil
import struct
import zlib
from pathlib import Path

from PIL import Image

BROKEN = {
    "empty.jpg",
    "cut.jpg",
    "text.jpg",
    "\x1b[31mred.jpg",
    "dangling.jpg",
    "pipe.jpg",
    "bomb.png",
}


def make_faulty(photos: Path, root: Path) -> Path:
    """Copy a fifth of the images to `val`, the others to `train`, and add the faults."""
    for path in photos.rglob("*.jpg"):
        part = "val" if int(path.stem) % 5 == 0 else "train"
        target = root / part / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    first, second, *_ = sorted((root / "train").iterdir())
    images = sorted(first.iterdir())
    add_broken(first, images[0])
    tested = root / "val" / first.name
    tested.mkdir(exist_ok=True)
    shutil.copy(images[0], tested / "leak.jpg")
    Image.open(images[1]).resize((96, 80), Image.Resampling.BICUBIC).save(tested / "alike.png")
    shutil.copy(images[2], second / "contradicts.jpg")
    shutil.copy(images[3], first / "copy.jpg")
    return root


def add_broken(folder: Path, image: Path) -> None:
    """Add one file of each kind in `BROKEN`."""
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.jpg").write_bytes(image.read_bytes()[:400])
    (folder / "text.jpg").write_text("not an image")
    (folder / "\x1b[31mred.jpg").write_bytes(b"x")
    (folder / "dangling.jpg").symlink_to(folder / "absent.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "bomb.png").write_bytes(make_bomb())


def make_bomb() -> bytes:
    """A small PNG that claims 3.6 billion pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(10**5))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
