"""Means, spreads and differences over seeds, with their uncertainty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
ALLOWANCE_WEIGHT = 4
"""`compare_with_allowance` counts the spread allowed for like so many seeds measured beyond one."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Mean ± standard deviation over n seeds."""

    n: int
    mean: float
    std: float | None
    """With n−1 in the denominator; None for a single seed."""
    best: float
    """The smallest."""

    def to_text(self) -> str:
        """`mean ± std`, to two digits."""
        return f"{self.mean:.2f}" + ("" if self.std is None else f" ± {self.std:.2f}")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Mean of `b` minus mean of `a`, with Welch's t interval, which allows unequal spreads."""

    mean: float
    low: float | None
    """Lower end of the 95 % interval; None with fewer than two seeds on a side."""
    high: float | None
    n_a: int
    n_b: int

    @property
    def is_higher(self) -> bool:
        """Whether `b` is higher by more than the seeds' spread explains."""
        return self.low is not None and self.low > 0

    @property
    def is_lower(self) -> bool:
        """Whether `b` is lower by more than the seeds' spread explains."""
        return self.high is not None and self.high < 0


def summarise(values: Sequence[float]) -> Summary:
    """Mean, standard deviation and best of at least one value."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Summary(n=len(values), mean=float(np.mean(values)), std=spread, best=min(values))


def compare_means(a: Sequence[float], b: Sequence[float]) -> Difference:
    """How much higher the mean of `b` is than that of `a` (at least one value each)."""
    mean = float(np.mean(b)) - float(np.mean(a))
    low: float | None = None
    high: float | None = None
    if min(len(a), len(b)) >= 2:
        half_width = _welch_half_width(a, b)
        low, high = mean - half_width, mean + half_width
    return Difference(mean=mean, low=low, high=high, n_a=len(a), n_b=len(b))


def compare_paired(a: Sequence[float], b: Sequence[float]) -> Difference:
    """How much higher `b` is than `a` where each value of one belongs to one of the other.

    Student's interval of the differences; `a` and `b` are equally long.
    """
    return estimate_mean(np.subtract(b, a).tolist())


def estimate_mean(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Difference:
    """The mean, as a difference from zero, with Student's interval (at least one value)."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return Difference(mean=mean, low=None, high=None, n_a=n, n_b=n)
    standard_error = float(np.std(values, ddof=1)) / math.sqrt(n)
    half_width = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * standard_error
    return Difference(mean=mean, low=mean - half_width, high=mean + half_width, n_a=n, n_b=n)


def compare_with_allowance(
    a: Sequence[float],
    b: Sequence[float],
    allowed_spreads: tuple[float, float],
    *,
    confidence: float = CONFIDENCE,
) -> Difference:
    """How much higher the mean of `b` is than that of `a`, where seeds are few or one.

    Welch's interval with each side's variance s² replaced by (4 s₀² + (n−1) s²) / (4 + n−1): the
    spread seen, drawn towards one that is allowed for, which alone stands for a single seed. So
    two seeds that happen to agree do not prove anything (a moderated t, as of Smyth 2004).

    Args:
        a: at least one value.
        b: at least one value.
        allowed_spreads: s₀ of a and of b, above zero.
        confidence: of the interval.
    """
    mean = float(np.mean(b)) - float(np.mean(a))
    squares: list[float] = []
    freedoms: list[int] = []
    for values, allowed in zip((a, b), allowed_spreads, strict=True):
        freedom = ALLOWANCE_WEIGHT + len(values) - 1
        seen = float(np.var(values, ddof=1)) * (len(values) - 1) if len(values) > 1 else 0.0
        squares.append((ALLOWANCE_WEIGHT * allowed**2 + seen) / freedom / len(values))
        freedoms.append(freedom)
    pooled = sum(squares) ** 2 / sum(s**2 / f for s, f in zip(squares, freedoms, strict=True))
    half_width = float(stats.t.ppf((1 + confidence) / 2, pooled)) * math.sqrt(sum(squares))
    return Difference(
        mean=mean, low=mean - half_width, high=mean + half_width, n_a=len(a), n_b=len(b)
    )


def predict_mean(values: Sequence[float], runs: int) -> Difference:
    """Where the mean of `runs` further runs falls, from the runs there are (at least one).

    Student's prediction interval: a published number of one run or of five has a spread of its own,
    so that the interval of our mean alone would be missed too often.
    """
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return Difference(mean=mean, low=None, high=None, n_a=runs, n_b=n)
    spread = float(np.std(values, ddof=1)) * math.sqrt(1 / n + 1 / runs)
    half_width = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * spread
    return Difference(mean=mean, low=mean - half_width, high=mean + half_width, n_a=runs, n_b=n)


def _welch_half_width(a: Sequence[float], b: Sequence[float]) -> float:
    # By hand because scipy's test warns of seeds that agree to the last digit, as trained nets may.
    squares = [float(np.var(values, ddof=1)) / len(values) for values in (a, b)]
    if sum(squares) == 0:
        return 0.0
    freedom = sum(squares) ** 2 / sum(
        s**2 / (len(values) - 1) for s, values in zip(squares, (a, b), strict=True)
    )
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * math.sqrt(sum(squares))
