"""Does a network know when it is right? Confidence against accuracy (Guo et al. 2017, §2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_BINS = 15


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """The predictions whose confidence lies in one interval."""

    above: float
    """Confidences are larger than this,"""
    up_to: float
    """and at most this."""
    n: int
    correct: int
    accuracy: float | None
    """Share of correct predictions; None in an empty bin."""
    confidence: float | None
    """Mean probability of the predicted class; None in an empty bin."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The reliability diagram as numbers."""

    ece: float
    """Expected calibration error: mean over images of their bin's |accuracy − confidence|."""
    bins: tuple[ReliabilityBin, ...]


class CalibrationTally:
    """Sums for `Calibration` over 15 bins of equal width."""

    def __init__(self) -> None:
        self._n = np.zeros(NUM_BINS, dtype=np.int64)
        self._correct = np.zeros(NUM_BINS, dtype=np.int64)
        self._confidence = np.zeros(NUM_BINS)

    def add(self, confidences: NDArray[np.float64], correct: NDArray[np.bool_]) -> None:
        """Count predictions: their probabilities [B] and whether they were right [B]."""
        indices = np.clip(np.ceil(confidences * NUM_BINS).astype(np.int64) - 1, 0, NUM_BINS - 1)
        self._n += np.bincount(indices, minlength=NUM_BINS)
        self._correct += np.bincount(indices[correct], minlength=NUM_BINS)
        self._confidence += np.bincount(indices, weights=confidences, minlength=NUM_BINS)

    def summarise(self) -> Calibration:
        """The calibration of all that was counted."""
        gaps = np.abs(self._correct - self._confidence)
        return Calibration(
            ece=float(gaps.sum() / max(self._n.sum(), 1)),
            bins=tuple(self._bin(i) for i in range(NUM_BINS)),
        )

    def _bin(self, index: int) -> ReliabilityBin:
        n, correct = int(self._n[index]), int(self._correct[index])
        return ReliabilityBin(
            above=index / NUM_BINS,
            up_to=(index + 1) / NUM_BINS,
            n=n,
            correct=correct,
            accuracy=correct / n if n else None,
            confidence=float(self._confidence[index]) / n if n else None,
        )
