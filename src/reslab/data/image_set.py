"""Labelled images that stay where they are until one is read: data sets larger than memory."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reslab.errors import DataError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)

Labels = NDArray[np.int64]


class ImageStore(Protocol):
    """Encoded images by number. Pickled to each worker process, so it opens files when it reads."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What the image is called, for people: a path or a member of an archive."""
        ...

    def read(self, index: int) -> bytes:
        """The encoded image.

        Raises:
            DataError: if it cannot be read.
        """
        ...

    def select(self, indices: NDArray[np.int64]) -> "ImageStore":
        """The images at `indices`, in that order."""
        ...

    def identify(self) -> Iterator[bytes]:
        """What tells these images from others: names and, where known without reading, sizes."""
        ...


@dataclass(frozen=True, eq=False)
class ImageSet:
    """One part of a data set.

    Raises:
        DataError: if there is not one label for each image.
    """

    store: ImageStore
    labels: Labels
    """[N], from 0."""

    def __post_init__(self) -> None:
        if self.labels.shape != (len(self.store),):
            raise DataError(
                f"{len(self.store):,} images have labels of shape {self.labels.shape}: each "
                "image needs one"
            )

    def __len__(self) -> int:
        return len(self.store)

    def select(self, indices: NDArray[np.int64]) -> "ImageSet":
        """The images at `indices`, in that order."""
        return ImageSet(self.store.select(indices), self.labels[indices])


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageCollection:
    """A whole data set of images on disk.

    Raises:
        DataError: if it has no image, no part to train on, or a label outside the classes.
    """

    path: str
    """Where it was found."""
    kind: str
    """Which source reads it."""
    class_names: tuple[str, ...]
    parts: Mapping[str, ImageSet]
    """Some of `PARTS`, in that order; always `train`."""

    def __post_init__(self) -> None:
        if not len(self.parts.get(TRAIN, ())):
            raise DataError(f"{self.path!r} holds no image to train on: put some in `train`")
        for part, images in self.parts.items():
            if len(images) and not 0 <= images.labels.min() <= images.labels.max() < len(
                self.class_names
            ):
                raise DataError(
                    f"{self.path!r}: labels of {part} reach from {images.labels.min()} to "
                    f"{images.labels.max()}, but there are {len(self.class_names)} classes"
                )

    @property
    def held_out(self) -> ImageSet | None:
        """What a run is evaluated on: the validation part, or else the test part."""
        return self.parts.get(VALIDATION) or self.parts.get(TEST)

    def digest(self) -> str:
        """SHA-256 over classes, parts, labels, names and sizes; pixels are not read."""
        sha256 = hashlib.sha256("\0".join(self.class_names).encode())
        for part, images in self.parts.items():
            sha256.update(f"\0{part}\0{len(images)}\0".encode())
            sha256.update(images.labels.astype("<i8").tobytes())
            for piece in images.store.identify():
                sha256.update(len(piece).to_bytes(8, "little") + piece)
        return sha256.hexdigest()
