"""Against scipy's own Welch test, and against the error rate that an interval promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reslab.analysis.statistics import compare_means, predict_mean, summarise

VALUES = st.lists(st.floats(0, 100), min_size=2, max_size=6).filter(lambda v: np.ptp(v) > 1e-3)


@given(VALUES, VALUES)
@settings(max_examples=100)
def test_the_interval_is_welchs(a: list[float], b: list[float]) -> None:
    difference = compare_means(a, b)
    expected = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    assert difference.mean == pytest.approx(np.mean(b) - np.mean(a))
    assert difference.low == pytest.approx(expected.low, abs=1e-9)
    assert difference.high == pytest.approx(expected.high, abs=1e-9)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(2_000):
        a, b = generator.normal(10, 1, 4), generator.normal(13, 3, 4)
        difference = compare_means(list(a), list(b))
        assert difference.low is not None
        assert difference.high is not None
        covered += difference.low <= 3 <= difference.high
    assert 0.93 < covered / 2_000 < 0.98


def test_one_seed_gives_no_interval() -> None:
    difference = compare_means([1.0], [5.0, 6.0])
    assert (difference.mean, difference.low, difference.high) == (4.5, None, None)
    assert not difference.is_higher


def test_seeds_without_spread_give_a_point() -> None:
    difference = compare_means([0.0, 0.0], [2.0, 2.0])
    assert (difference.low, difference.high) == (2.0, 2.0)
    assert difference.is_higher


def test_a_summary_is_mean_and_deviation() -> None:
    summary = summarise([1.0, 2.0, 3.0])
    assert (summary.n, summary.mean, summary.std, summary.best) == (3, 2.0, 1.0, 1.0)
    assert summary.to_text() == "2.00 ± 1.00"
    assert summarise([1.5]).to_text() == "1.50"


def test_a_prediction_interval_holds_the_mean_of_further_runs_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    for runs in (1, 5):
        held = 0
        for _ in range(2_000):
            interval = predict_mean(random.normal(size=5).tolist(), runs)
            assert interval.low is not None
            assert interval.high is not None
            held += interval.low <= random.normal(size=runs).mean() <= interval.high
        assert held / 2_000 == pytest.approx(0.95, abs=0.015)


def test_one_run_predicts_nothing() -> None:
    assert predict_mean([5.0], 1).low is None
