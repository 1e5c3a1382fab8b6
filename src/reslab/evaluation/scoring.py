"""From the views of some images to one row of scores for each image."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reslab.data.images import Pixels
from reslab.errors import WeightsError
from reslab.evaluation.runtime import Runtime

Scores = NDArray[np.float64]


def compute_log_scores(
    runtime: Runtime, views: Sequence[Sequence[Pixels]], batch_size: int
) -> Scores:
    """Logarithm of the mean over each image's views of the softmax of their logits.

    Args:
        runtime: the network.
        views: for each image its views [h, w, C]; they may differ in size.
        batch_size: views of the network's own size computed at a time; fewer where they are larger.

    Returns:
        [N, classes], float64; each row's exponentials sum to 1.

    Raises:
        WeightsError: if the network's answer is not finite.
    """
    log_probabilities: list[list[Scores]] = [[] for _ in views]
    for owners, batch in _batches_of_one_shape(views, batch_size * runtime.geometry.crop**2):
        images = np.ascontiguousarray(np.stack(batch).transpose(0, 3, 1, 2))
        for owner, row in zip(owners, _log_softmax(runtime.logits(images)), strict=True):
            log_probabilities[owner].append(row)
    return np.stack(
        [np.logaddexp.reduce(np.stack(rows)) - np.log(len(rows)) for rows in log_probabilities]
    )


def _batches_of_one_shape(
    views: Sequence[Sequence[Pixels]], max_pixels: int
) -> Iterator[tuple[list[int], list[Pixels]]]:
    by_shape: dict[tuple[int, ...], list[tuple[int, Pixels]]] = defaultdict(list)
    for owner, of_image in enumerate(views):
        for view in of_image:
            by_shape[view.shape].append((owner, view))
    for (height, width, _), members in by_shape.items():
        size = max(max_pixels // (height * width), 1)
        for start in range(0, len(members), size):
            owners, batch = zip(*members[start : start + size], strict=True)
            yield list(owners), list(batch)


def _log_softmax(logits: NDArray[np.float32]) -> Scores:
    if not np.isfinite(logits).all():
        raise WeightsError(
            "the network's answer is not a finite number: its weights are damaged or its training "
            "diverged"
        )
    exact = logits.astype(np.float64)
    result: Scores = exact - np.logaddexp.reduce(exact, axis=1, keepdims=True)
    return result
