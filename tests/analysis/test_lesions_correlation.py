import math

import numpy as np
import pytest
from scipy import stats

from reslab.analysis.lesions_correlation import correlate_ranks


def test_rho_is_spearmans() -> None:
    x, y = [1, 1, 2, 3, 5, 5], [0.3, 0.1, 0.2, 0.6, 0.4, 0.9]
    assert correlate_ranks(x, y).mean == pytest.approx(stats.spearmanr(x, y).statistic)


def test_the_interval_covers_the_true_correlation() -> None:
    r = 0.7
    truth = 6 / math.pi * math.asin(r / 2)  # Spearman's ρ of a normal pair with correlation r
    chance = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        x, other = chance.standard_normal((2, 30))
        y = r * x + math.sqrt(1 - r**2) * other
        found = correlate_ranks(x.tolist(), y.tolist())
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_constant_errors_have_no_correlation() -> None:
    found = correlate_ranks([1, 2, 3, 4], [90.0] * 4)
    assert (found.mean, found.low) == (0.0, None)


def test_perfect_order_has_an_interval_and_three_pairs_have_none() -> None:
    perfect = correlate_ranks(range(12), range(12))
    assert perfect.is_higher
    assert perfect.high == pytest.approx(1)
    assert correlate_ranks([1, 2, 3], [1, 2, 3]).low is None
