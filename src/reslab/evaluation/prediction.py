"""What is in these pictures? Any number of image files, a batch at a time; free of PyTorch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reslab.errors import ConfigError, DataError
from reslab.evaluation.protocols import MakeViews, read_views
from reslab.evaluation.runtime import Runtime
from reslab.evaluation.scoring import compute_log_scores


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One class that an image may show."""

    index: int
    name: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The most likely classes of an image."""

    path: Path
    candidates: tuple[Candidate, ...]
    """The most likely first; among equals, the lower index."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An image that could not be read."""

    path: Path
    reason: str


def predict_files(
    runtime: Runtime,
    paths: Iterable[Path],
    make_views: MakeViews,
    *,
    top: int = 5,
    batch_size: int = 16,
) -> Iterator[Prediction | Failure]:
    """Classify image files in the order given, holding one batch of them at a time.

    Args:
        runtime: the network.
        paths: image files; consumed as predictions are.
        make_views: the test protocol, from `build_protocol`.
        top: classes in each prediction; all of them if there are fewer.
        batch_size: images at a time.

    Raises:
        ConfigError: if `top` or `batch_size` is not positive.
        WeightsError: if the network's answer is not finite.
    """
    if top < 1 or batch_size < 1:
        raise ConfigError(f"top is {top} and batch_size {batch_size}: both must be at least 1")
    return _predict_batches(runtime, iter(paths), make_views, top, batch_size)


def _predict_batches(
    runtime: Runtime, paths: Iterator[Path], make_views: MakeViews, top: int, batch_size: int
) -> Iterator[Prediction | Failure]:
    while batch := list(islice(paths, batch_size)):
        yield from _predict_batch(runtime, batch, make_views, top)


def _predict_batch(
    runtime: Runtime, paths: list[Path], make_views: MakeViews, top: int
) -> Iterator[Prediction | Failure]:
    failures: dict[int, Failure] = {}
    views = []
    for i, path in enumerate(paths):
        try:
            views.append(read_views(path, runtime.geometry, make_views))
        except DataError as error:
            failures[i] = Failure(path=path, reason=str(error))
    rows = iter(compute_log_scores(runtime, views, len(paths)) if views else ())
    for i, path in enumerate(paths):
        if i in failures:
            yield failures[i]
        else:
            candidates = rank(next(rows), runtime.class_names, top)
            yield Prediction(path=path, candidates=candidates)


def rank(
    log_scores: NDArray[np.float64], class_names: tuple[str, ...], top: int
) -> tuple[Candidate, ...]:
    """The `top` classes of one image's log scores [classes], the most likely first."""
    order = np.argsort(-log_scores, kind="stable")[:top]
    return tuple(
        Candidate(index=int(i), name=class_names[i], probability=float(np.exp(log_scores[i])))
        for i in order
    )
