"""Holding out a part of the training images: the same ones at every call, from every class."""

import hashlib
import os
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from reslab.data.image_set import Labels
from reslab.errors import ConfigError


def hold_out(names: Iterable[str], labels: Labels, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Choose `fraction` of each class, rounded, yet one at least and never a whole class.

    The images of a class are put in the order of a digest of seed and name, and the first are
    chosen. So the choice does not depend on the order of the list, and a new image moves at most
    one other from part to part.

    Args:
        names: one for each image, different from each other.
        labels: [N].
        fraction: from 0 to below 1.
        seed: another seed chooses others.

    Returns:
        [N], True where held out.

    Raises:
        ConfigError: if the fraction is out of range.
    """
    if not 0 <= fraction < 1:
        raise ConfigError(f"the fraction to hold out is {fraction}: give one from 0 to below 1")
    digests = [_digest(seed, name) for name in names]
    keys = np.array(digests, dtype=np.uint64)
    held_out = np.zeros(len(labels), dtype=bool)
    if fraction == 0:
        return held_out
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        held_out[members[np.argsort(keys[members], kind="stable")[:count]]] = True
    return held_out


def _digest(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(b"%d/%b" % (seed, os.fsencode(name))).digest()[:8], "big")
