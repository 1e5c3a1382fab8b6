"""From what a source found to a data set with a part to train on and a part to evaluate on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from reslab.data.holding_out import hold_out
from reslab.data.image_set import PARTS, TEST, TRAIN, VALIDATION, ImageCollection, ImageSet
from reslab.errors import DataError

PART_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
"""How people call the parts."""

Found = Mapping[str | None, ImageSet]
"""By part; under None what belongs to none."""


@dataclass(frozen=True, kw_only=True)
class Splitting:
    """How a validation part is held out where the data set has nothing to evaluate on."""

    fraction: float = 0.1
    """Of each class; 0 holds out nothing."""
    seed: int = 0
    """Another seed chooses other images."""


def find_part(path: PurePath) -> str | None:
    """The part that a word of a file's name or its folder's whole name says it belongs to.

    `train-00001.tar`, `val/00001.tar`.
    """
    words = re.split(r"[^a-z]+", path.name.lower())
    return next(
        (PART_NAMES[w] for w in (*words, path.parent.name.lower()) if w in PART_NAMES), None
    )


def assemble(
    path: str, kind: str, class_names: tuple[str, ...], found: Found, splitting: Splitting
) -> ImageCollection:
    """Make a data set of the parts found; hold out a validation part if there is none, nor a test.

    Raises:
        DataError: if images of no part lie beside named parts, or nothing is left to train on.
    """
    parts = dict(found)
    if None in parts and len(parts) > 1:
        raise DataError(
            f"{path!r} has {len(parts[None]):,} images that belong to none of its parts: name the "
            "part of each (train, val or test), or of none"
        )
    if None in parts:
        parts = {TRAIN: parts[None]}
    if set(parts) == {TRAIN} and splitting.fraction:
        parts |= _split(parts[TRAIN], splitting)
    ordered = {part: parts[part] for part in PARTS if part in parts}
    return ImageCollection(path=path, kind=kind, class_names=class_names, parts=ordered)


def _split(images: ImageSet, splitting: Splitting) -> dict[str | None, ImageSet]:
    names = (images.store.name(index) for index in range(len(images)))
    held_out = hold_out(names, images.labels, splitting.fraction, splitting.seed)
    if not held_out.any():
        return {}
    return {
        TRAIN: images.select(np.flatnonzero(~held_out)),
        VALIDATION: images.select(np.flatnonzero(held_out)),
    }
