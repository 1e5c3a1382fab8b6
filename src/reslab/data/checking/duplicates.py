"""Which of many images are the same, byte for byte or to the eye, without comparing all pairs."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from reslab.data.checking.inspecting import Records

MAX_BITS = 4
"""In which the hashes of two images that look the same may differ, of 64."""

MAX_LEVELS = 5.0
"""By which their grey thumbnails may differ on average, of 255."""

MIN_CONTRAST = 5.0
"""Standard deviation below which a thumbnail is too flat to be told from others."""

_BLOCK = 1024

Pairs = NDArray[np.int64]
"""[P, 2], numbers of images."""


def group_duplicates(records: Records) -> list[NDArray[np.int64]]:
    """Groups of images that are the same or look it; whole ones only.

    Two images belong together if their files are equal, or if the hashes of their appearance differ
    in at most `MAX_BITS` bits and their thumbnails by at most `MAX_LEVELS`. Flat images count only
    if equal. Mirrored, turned, cropped and recoloured copies are not found; two pictures of one
    scene may be.

    Returns:
        For each group, the numbers of its images, rising; the groups in the order of their first.
    """
    whole = np.flatnonzero(~records["broken"])
    pairs = np.concatenate([_pair_equal_files(records, whole), _pair_alike(records, whole)])
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(records),) * 2)
    count, group_of = connected_components(links, directed=False)
    members = np.argsort(group_of, kind="stable")
    ends = np.cumsum(np.bincount(group_of, minlength=count))
    groups = [group for group in np.split(members, ends[:-1]) if len(group) > 1]
    return sorted(groups, key=lambda group: int(group[0]))


def _pair_equal_files(records: Records, whole: NDArray[np.int64]) -> Pairs:
    digests = records["digest"][whole]
    _, first, inverse = np.unique(digests, axis=0, return_index=True, return_inverse=True)
    return np.stack([whole[first[inverse.ravel()]], whole], axis=1)


def _pair_alike(records: Records, whole: NDArray[np.int64]) -> Pairs:
    distinct = whole[records["thumb"][whole].std(axis=1) >= MIN_CONTRAST]
    hashes, first, inverse = np.unique(
        records["hash"][distinct], return_index=True, return_inverse=True
    )
    # Of many images with one hash, each is compared to the first; of other hashes, the firsts.
    same = np.stack([distinct[first[inverse.ravel()]], distinct], axis=1)
    near = [distinct[first[pairs]] for pairs in _find_near(hashes)]
    candidates = np.concatenate([same, *near])
    differences = np.abs(
        records["thumb"][candidates[:, 0]].astype(np.int16)
        - records["thumb"][candidates[:, 1]].astype(np.int16)
    )
    chosen: Pairs = candidates[differences.mean(axis=1) <= MAX_LEVELS]
    return chosen


def _find_near(hashes: NDArray[np.uint64]) -> Iterator[Pairs]:
    """Pairs of hashes that differ in few bits.

    Of `MAX_BITS` + 1 pieces of two such hashes, one is equal: only hashes that share a piece are
    compared.
    """
    bounds = np.linspace(0, 64, MAX_BITS + 2).astype(np.uint64)
    for low, high in pairwise(bounds):
        pieces = (hashes >> low) & np.uint64(2 ** int(high - low) - 1)
        order = np.argsort(pieces, kind="stable")
        _, starts = np.unique(pieces[order], return_index=True)
        for sharing in np.split(order, starts[1:]):
            yield from _compare(hashes, sharing)


def _compare(hashes: NDArray[np.uint64], members: NDArray[np.int64]) -> Iterator[Pairs]:
    for start in range(0, len(members), _BLOCK) if len(members) > 1 else ():
        block = members[start : start + _BLOCK]
        bits = np.bitwise_count(hashes[block, None] ^ hashes[None, members[start:]])
        rows, columns = np.nonzero(bits <= MAX_BITS)
        later = columns > rows
        if later.any():
            yield np.stack([block[rows[later]], members[start:][columns[later]]], axis=1)
