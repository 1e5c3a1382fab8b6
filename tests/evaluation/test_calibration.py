import numpy as np
import pytest

from reslab.evaluation.calibration import Calibration, CalibrationTally


def _calibration(confidences: list[float], correct: list[bool]) -> Calibration:
    tally = CalibrationTally()
    for start in range(0, len(correct), 2):
        part = slice(start, start + 2)
        tally.add(np.array(confidences[part]), np.array(correct[part]))
    return tally.summarise()


def test_the_error_by_hand() -> None:
    # Bin (9/15, 10/15] holds 0.62 and 0.66, half right; bin (14/15, 1] holds 1.0 twice, all right;
    # bin (5/15, 6/15] holds 0.4, wrong.
    found = _calibration([0.62, 0.66, 1.0, 1.0, 0.4], [True, False, True, True, False])
    expected = (2 * abs(0.5 - 0.64) + 2 * 0 + 1 * 0.4) / 5
    assert found.ece == pytest.approx(expected)
    counts = {i: b.n for i, b in enumerate(found.bins) if b.n}
    assert counts == {5: 1, 9: 2, 14: 2}
    assert found.bins[9].accuracy == 0.5
    assert found.bins[9].confidence == pytest.approx(0.64)
    assert found.bins[0].accuracy is None


def test_bins_cover_the_unit_interval_and_include_their_upper_edge() -> None:
    found = _calibration([3 / 15, 0.0], [True, True])
    assert len(found.bins) == 15
    assert found.bins[2].n == found.bins[0].n == 1
    assert found.bins[0].above == 0
    assert found.bins[14].up_to == 1
    for lower, upper in zip(found.bins, found.bins[1:], strict=False):
        assert lower.up_to == upper.above


def test_confidence_that_comes_true_has_no_error() -> None:
    assert _calibration([0.75] * 4, [True, True, True, False]).ece == pytest.approx(0)
