"""Errors of a network on labelled images; every count is a whole number, so sums are exact."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from reslab.evaluation.calibration import Calibration, CalibrationTally

CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class ClassErrors:
    """The errors on one class's images."""

    name: str
    n: int
    wrong: int
    error_pct: float | None
    """None for a class without images."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a test found."""

    n: int
    """Images."""
    wrong: int
    """Images whose most likely class is not their label."""
    wrong_top5: int
    """Images whose label is not among the five most likely classes."""
    top1_error_pct: float
    top1_error_interval_pct: tuple[float, float]
    """Wilson's 95 % interval of the error on further images of this kind."""
    top5_error_pct: float
    loss: float
    """Mean negative logarithm of the label's score."""
    per_class: tuple[ClassErrors, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are labels, columns predictions."""
    calibration: Calibration


class EvaluationTally:
    """Sums for `Evaluation`, batch after batch."""

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self._class_names = class_names
        self._confusion = np.zeros((len(class_names), len(class_names)), dtype=np.int64)
        self._wrong_top5 = 0
        self._loss = 0.0
        self._calibration = CalibrationTally()

    def add(self, log_scores: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        """Count images: logarithms of their scores [B, classes], and their labels [B].

        Among equal scores the class of the lower index ranks first.
        """
        rows = np.arange(len(labels))
        order = np.argsort(-log_scores, axis=1, kind="stable")
        predicted = order[:, 0]
        np.add.at(self._confusion, (labels, predicted), 1)
        self._wrong_top5 += int((order[:, :5] != labels[:, None]).all(axis=1).sum())
        self._loss -= float(log_scores[rows, labels].sum())
        self._calibration.add(np.exp(log_scores[rows, predicted]), predicted == labels)

    def summarise(self) -> Evaluation:
        """The evaluation of all that was counted, of which there must be something."""
        n = int(self._confusion.sum())
        wrong = n - int(self._confusion.trace())
        interval = binomtest(wrong, n).proportion_ci(CONFIDENCE_LEVEL, method="wilson")
        return Evaluation(
            n=n,
            wrong=wrong,
            wrong_top5=self._wrong_top5,
            top1_error_pct=100 * wrong / n,
            top1_error_interval_pct=(100 * float(interval.low), 100 * float(interval.high)),
            top5_error_pct=100 * self._wrong_top5 / n,
            loss=self._loss / n,
            per_class=tuple(self._summarise_class(i) for i in range(len(self._class_names))),
            confusion=tuple(tuple(row) for row in self._confusion.tolist()),
            calibration=self._calibration.summarise(),
        )

    def _summarise_class(self, label: int) -> ClassErrors:
        n = int(self._confusion[label].sum())
        wrong = n - int(self._confusion[label, label])
        return ClassErrors(
            name=self._class_names[label],
            n=n,
            wrong=wrong,
            error_pct=100 * wrong / n if n else None,
        )
