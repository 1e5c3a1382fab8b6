"""Which labels look wrong, by a judge that has learned the other images and says how good it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reslab.data.checking.inspecting import Records
from reslab.data.image_set import Labels
from reslab.data.seeds import derive_seed

FOLDS = 5
RIDGE = 0.1
"""Weight of the penalty, with thumbnails of unit length."""

MIN_ACCURACY = 0.8
"""A judge that agrees with fewer labels is not asked which ones are wrong."""

_CHUNK = 4096

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Doubts:
    """What the judge makes of the labels."""

    accuracy: float
    """Share of a class's images, of those it had not learned, where it agrees with the label; the
    mean over classes, so that one large class does not make a judge look good."""
    images: NDArray[np.int64]
    """Numbers of the images whose label it doubts, the surest first; none if it is too weak."""
    instead: Labels
    """[len(images)], the classes that they look like."""


def doubt_labels(records: Records, labels: Labels, num_classes: int) -> Doubts:
    """Find labels that the look of the images contradicts.

    The judge is a linear regression of the classes on 16×16 grey thumbnails. Each fifth of the
    images is judged by what the other four teach. A label is doubted where another class scores
    higher, and as high as is usual for images of that class (Northcutt et al. 2021, §3).

    Args:
        records: of the images; broken ones have no say.
        labels: [len(records)].
        num_classes: how many classes there are.
    """
    whole = np.flatnonzero(~records["broken"])
    own, best, looks_like = _judge(records[whole], labels[whole], num_classes)
    given = labels[whole]
    agreed = _average_by_class((looks_like == given).astype(float), given, num_classes)
    accuracy = float(agreed[np.unique(given)].mean()) if len(whole) else 0.0
    usual = _average_by_class(own, given, num_classes)
    doubted = (looks_like != given) & (best >= usual[looks_like])
    if accuracy < MIN_ACCURACY:
        doubted[:] = False
    chosen = np.flatnonzero(doubted)
    surest_first = chosen[np.argsort(own[chosen] - best[chosen], kind="stable")]
    return Doubts(accuracy, whole[surest_first], looks_like[surest_first])


def _judge(records: Records, labels: Labels, num_classes: int) -> tuple[Floats, Floats, Labels]:
    """For each image, by a judge that has not learned it.

    Returns:
        The score of its label, the highest score, and the class that has it.
    """
    folds = np.arange(len(records)) % FOLDS
    np.random.default_rng(derive_seed(0, "judge")).shuffle(folds)
    members = [np.flatnonzero(folds == fold) for fold in range(FOLDS)]
    lessons = [_learn(records, labels, chosen, num_classes) for chosen in members]
    squares, products = (sum(parts) for parts in zip(*lessons, strict=True))
    own, best = np.zeros(len(records)), np.zeros(len(records))
    looks_like = np.zeros(len(records), dtype=np.int64)
    for of_fold, (square, product) in zip(members, lessons, strict=True):
        penalty = RIDGE * np.eye(len(square))
        weights = np.linalg.solve(squares - square + penalty, products - product)
        for chosen in _cut(of_fold):
            scores = _describe(records[chosen]) @ weights
            own[chosen] = scores[np.arange(len(chosen)), labels[chosen]]
            looks_like[chosen] = scores.argmax(axis=1)
            best[chosen] = scores.max(axis=1)
    return own, best, looks_like


def _learn(
    records: Records, labels: Labels, chosen: NDArray[np.int64], num_classes: int
) -> tuple[Floats, Floats]:
    """XᵀX and XᵀY of some images: all that a regression needs of them."""
    features = records["thumb"].shape[1] + 1
    square, product = np.zeros((features, features)), np.zeros((features, num_classes))
    for part in _cut(chosen):
        described = _describe(records[part])
        square += described.T @ described
        np.add.at(product.T, labels[part], described)
    return square, product


def _describe(records: Records) -> Floats:
    """Thumbnails of zero mean and unit length, and a one: [N, 257]."""
    thumbs = records["thumb"].astype(np.float64)
    thumbs -= thumbs.mean(axis=1, keepdims=True)
    thumbs /= np.linalg.norm(thumbs, axis=1, keepdims=True) + 1e-9
    return np.hstack([thumbs, np.ones((len(thumbs), 1))])


def _cut(chosen: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [chosen[start : start + _CHUNK] for start in range(0, len(chosen), _CHUNK)]


def _average_by_class(values: Floats, labels: Labels, num_classes: int) -> Floats:
    totals = np.bincount(labels, weights=values, minlength=num_classes)
    return totals / np.maximum(np.bincount(labels, minlength=num_classes), 1)
