"""How surely one quantity rises with another within a single net."""

import math
from collections.abc import Sequence

from scipy import stats

from reslab.analysis.statistics import CONFIDENCE, Difference

ENOUGH = 4


def correlate_ranks(x: Sequence[float], y: Sequence[float]) -> Difference:
    """Spearman's ρ as a difference from zero, with the interval of Bonett and Wright (2000).

    Fisher's z of ρ with the variance (1 + ρ²/2) / (n − 3). Where x or y is constant ρ is 0; with
    fewer than four pairs there is no interval. The pairs must be independent of each other.
    """
    n = len(x)
    if len(set(x)) < 2 or len(set(y)) < 2:
        return Difference(mean=0.0, low=None, high=None, n_a=n, n_b=n)
    rho = float(stats.spearmanr(x, y).statistic)
    if n < ENOUGH:
        return Difference(mean=rho, low=None, high=None, n_a=n, n_b=n)
    # ρ = ±1 has no finite z; a little less of it has, and an interval next to it.
    z = math.atanh(max(-0.999, min(0.999, rho)))
    half_width = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    low, high = math.tanh(z - half_width), math.tanh(z + half_width)
    return Difference(mean=rho, low=low, high=max(rho, high), n_a=n, n_b=n)
