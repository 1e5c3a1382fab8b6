"""Looking at every image of a data set once."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from reslab.data.image_set import ImageSet
from reslab.data.images import decode_image
from reslab.errors import DataError

CHUNK = 64
"""Images in one task of a worker."""

THUMB = 16
_SMALL = 32

Records = NDArray[np.void]
"""What is kept of each image, as an array of `RECORD`: some 300 bytes, for millions of them."""

RECORD = np.dtype(
    [
        ("broken", bool),
        ("width", np.int32),
        ("height", np.int32),
        ("bytes", np.int64),
        ("digest", np.uint64, 2),  # of the file
        ("hash", np.uint64),  # of what it looks like
        ("thumb", np.uint8, THUMB * THUMB),  # grey
    ]
)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some images of a part, for one worker."""

    part: str
    start: int
    images: ImageSet


@dataclass(frozen=True, eq=False)
class Inspected:
    """What was seen of a chunk."""

    part: str
    start: int
    records: Records
    problems: dict[int, str]
    """Of the broken images, by their number in the part."""


def cut_chunks(part: str, images: ImageSet) -> Iterator[Chunk]:
    """Cut a part into tasks."""
    for start in range(0, len(images), CHUNK):
        indices = np.arange(start, min(start + CHUNK, len(images)))
        yield Chunk(part, start, images.select(indices))


def inspect_chunk(chunk: Chunk) -> Inspected:
    """Read and decode every image of a chunk."""
    records = np.zeros(len(chunk.images), dtype=RECORD)
    problems = {}
    for place, record in enumerate(records):
        try:
            _inspect(chunk.images.store.read(place), record)
        except DataError as error:
            record["broken"] = True
            problems[chunk.start + place] = str(error)
    return Inspected(chunk.part, chunk.start, records, problems)


def _inspect(content: bytes, record: np.void) -> None:
    record["bytes"] = len(content)
    record["digest"] = np.frombuffer(hashlib.sha256(content).digest()[:16], dtype="<u8")
    pixels = decode_image(content, 3)
    record["height"], record["width"] = pixels.shape[:2]
    grey = Image.fromarray(pixels).convert("L")
    record["hash"] = hash_appearance(grey)
    record["thumb"] = np.asarray(grey.resize((THUMB, THUMB), Image.Resampling.BOX)).ravel()


def hash_appearance(grey: Image.Image) -> int:
    """64 bits that hardly change when an image is resized or compressed again.

    They tell which of the 8×8 lowest frequencies of the image, at 32×32 pixels, are above their
    median.
    """
    small = grey.resize((_SMALL, _SMALL), Image.Resampling.BOX)
    lowest = dctn(np.asarray(small, dtype=np.float64), norm="ortho")[:8, :8].ravel()
    bits = lowest > np.median(lowest[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
