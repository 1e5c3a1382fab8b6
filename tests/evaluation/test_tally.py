import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reslab.evaluation.tally import Evaluation, EvaluationTally

NAMES = tuple("abcdefgh")


def _random(n: int = 200) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    generator = np.random.default_rng(0)
    scores = generator.dirichlet(np.ones(8), size=n)
    return np.log(scores), generator.integers(0, 8, n)


def _evaluate(
    log_scores: NDArray[np.float64], labels: NDArray[np.int64], batch_size: int = 1000
) -> Evaluation:
    tally = EvaluationTally(NAMES)
    for start in range(0, len(labels), batch_size):
        stop = start + batch_size
        tally.add(log_scores[start:stop], labels[start:stop])
    return tally.summarise()


def test_errors_agree_with_a_sort_of_each_row() -> None:
    log_scores, labels = _random()
    found = _evaluate(log_scores, labels)
    ranking = [list(np.argsort(row)[::-1]) for row in log_scores]
    ranks = [order.index(label) for order, label in zip(ranking, labels, strict=True)]
    assert found.n == 200
    assert found.wrong == sum(rank >= 1 for rank in ranks)
    assert found.wrong_top5 == sum(rank >= 5 for rank in ranks)
    assert found.top1_error_pct == 100 * found.wrong / 200
    assert found.top5_error_pct == 100 * found.wrong_top5 / 200
    loss = -sum(row[label] for row, label in zip(log_scores, labels, strict=True)) / 200
    assert found.loss == pytest.approx(loss)


def test_confusion_and_classes_add_up() -> None:
    log_scores, labels = _random()
    found = _evaluate(log_scores, labels)
    for label, row in enumerate(found.confusion):
        assert found.per_class[label].name == NAMES[label]
        assert found.per_class[label].n == sum(row) == int((labels == label).sum())
        assert found.per_class[label].wrong == sum(row) - row[label]
    assert found.confusion[2][3] == ((labels == 2) & (log_scores.argmax(axis=1) == 3)).sum()
    assert sum(c.wrong for c in found.per_class) == found.wrong
    assert sum(b.n for b in found.calibration.bins) == found.n


@given(batch_size=st.integers(1, 210))
def test_counts_do_not_depend_on_the_batches(batch_size: int) -> None:
    log_scores, labels = _random()
    whole, parts = _evaluate(log_scores, labels), _evaluate(log_scores, labels, batch_size)
    assert whole.confusion == parts.confusion
    assert whole.wrong_top5 == parts.wrong_top5
    assert parts.loss == pytest.approx(whole.loss)
    assert parts.calibration.ece == pytest.approx(whole.calibration.ece)


def test_among_equal_scores_the_first_class_wins() -> None:
    equal = np.full((8, 8), np.log(1 / 8))
    found = _evaluate(equal, np.arange(8))
    assert found.wrong == 7
    assert found.wrong_top5 == 3


def test_a_class_without_images_has_no_error() -> None:
    log_scores, _ = _random(3)
    found = _evaluate(log_scores, np.array([0, 0, 0]))
    assert found.per_class[1].n == 0
    assert found.per_class[1].error_pct is None


@given(n=st.integers(1, 400), data=st.data())
def test_the_interval_is_wilsons(n: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, n))
    right = np.log(np.eye(8)[np.zeros(n, int)] * 0.9 + 0.0125)
    labels = (np.arange(n) < wrong).astype(np.int64)
    found = _evaluate(right, labels)
    assert found.wrong == wrong

    z, p = 1.959963984540054, wrong / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    expected = (100 * (centre - half), 100 * (centre + half))
    assert found.top1_error_interval_pct == pytest.approx(expected, abs=1e-9)
