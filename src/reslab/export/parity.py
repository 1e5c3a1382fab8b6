"""Does an exported network answer as the original does?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reslab.errors import ExportError
from reslab.evaluation.runtime import Runtime

BATCH_SIZE = 32


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How two networks' answers to the same images compare."""

    images: int
    """Number of images."""
    largest_absolute_difference: float
    """Of two logits."""
    largest_relative_difference: float
    """Of two logits, over the largest logit of that image."""
    same_predictions: int
    """Images on which the most likely class is the same."""

    @property
    def agreement_pct(self) -> float:
        """Per cent of the images with the same prediction."""
        return 100 * self.same_predictions / self.images


def compare(original: Runtime, exported: Runtime, images: NDArray[np.uint8]) -> Agreement:
    """Run both on images [N, C, H, W].

    Raises:
        ExportError: if there are no images, or a logit is not finite.
    """
    if not len(images):
        raise ExportError("nothing to compare on: give at least one image")
    expected, found = (_compute_logits(runtime, images) for runtime in (original, exported))
    differences = np.abs(found - expected).max(axis=1)
    return Agreement(
        images=len(images),
        largest_absolute_difference=float(differences.max()),
        largest_relative_difference=float(
            (differences / np.maximum(np.abs(expected).max(axis=1), 1e-30)).max()
        ),
        same_predictions=int((expected.argmax(axis=1) == found.argmax(axis=1)).sum()),
    )


def _compute_logits(runtime: Runtime, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    batches = np.split(images, range(BATCH_SIZE, len(images), BATCH_SIZE))
    logits = np.concatenate([runtime.logits(batch) for batch in batches]).astype(np.float64)
    if not np.isfinite(logits).all():
        raise ExportError(f"the network in {runtime.name} answers with numbers that are not finite")
    return logits
