"""What one training curve shows at its end: level, trend, unrest, and what came before.

All thresholds of the diagnosis stand here, in `diagnosis_net` and in `diagnosis_depths`, each with
its reason.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reslab.analysis.diagnosis_curves import Series, TrainingCurve
from reslab.analysis.learning_rate_drops import RateHistory, read_rates

Values = NDArray[np.float64]

END_SHARE = 0.15
"""The end is the last 15 % of a run: under the paper's schedule, well after the last division."""
TAIL_SHARE = 0.30
"""Its trend is read from twice as long."""
FEWEST_FOR_TREND = 6
"""Fewer measurements do not tell a trend from scatter."""
SETTLING_SHARE = 0.15
"""After a drop of the learning rate, this share of what remains is left out while errors fall."""
SMOOTHING_SHARE, SMOOTHING_POINTS = 0.10, 5
"""A best error is averaged over this share of the run, and so many measurements, so that luck does
not make it."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """A mean over part of a curve and how well it is known from that curve alone."""

    mean: float
    standard_error: float
    """Corrected for neighbours that resemble each other."""
    points: int


@dataclass(frozen=True, kw_only=True)
class EndOfSeries:
    """How a series ends."""

    level: Level
    """Over the end."""
    fall: float
    """How much lower the second half of the tail is than the first."""
    fall_error: float
    """Standard error of `fall`."""
    unrest: float
    """Standard deviation of the tail about its trend."""
    start: float
    """The first value."""
    rise: float
    """How much higher the end is than the lowest smoothed value before it."""
    rise_error: float
    """Standard error of `rise`, were the lowest value not the lowest of many."""
    best_step: float
    """Where that lowest value lies."""
    from_step: float
    """Where the end begins."""


@dataclass(frozen=True, kw_only=True)
class Features:
    """What one training shows."""

    train: EndOfSeries
    test: EndOfSeries
    train_at_best_test: float
    """Training error where the test error was lowest."""
    rates: RateHistory
    points: int
    """Measurements of the test error."""


def measure_features(curve: TrainingCurve) -> Features | None:
    """Measure one training; None if it has no training or no test curve to measure."""
    if not (len(curve.train) and len(curve.test)):
        return None
    rates = read_rates(curve)
    test = _measure_end(curve.test, rates.last_drop)
    train = _measure_end(curve.train, rates.last_drop)
    return Features(
        train=train,
        test=test,
        train_at_best_test=_around(curve.train, test.best_step),
        rates=rates,
        points=len(curve.test),
    )


def _measure_end(series: Series, last_drop: float | None) -> EndOfSeries:
    settled = _after_drop(series, last_drop)
    end = _last_share(series, settled, END_SHARE)
    tail = _last_share(series, settled, TAIL_SHARE)
    first, second = np.array_split(series.y[tail], 2)
    before, after = estimate_level(first), estimate_level(second)
    best, best_step = _best(series)
    unrest = float(np.std(_without_trend(series.y[tail]), ddof=min(2, int(tail.sum()) - 1)))
    level = _widen(estimate_level(series.y[end]), unrest)
    return EndOfSeries(
        level=level,
        fall=before.mean - after.mean if len(first) and len(second) else 0.0,
        fall_error=math.hypot(before.standard_error, after.standard_error),
        unrest=unrest,
        start=series.values[0],
        rise=max(level.mean - best, 0.0),
        rise_error=level.standard_error
        * math.sqrt(1 + level.points / _smoothing_width(len(series))),
        best_step=best_step,
        from_step=float(series.x[end][0]),
    )


def estimate_level(values: Values) -> Level:
    """The mean of neighbouring measurements, [n], n at least 0.

    The standard error multiplies that of independent values by √((1+r)/(1−r)), r being the
    correlation of neighbours (of an autoregressive process of order 1), at least 0.
    """
    n = len(values)
    if n == 0:
        return Level(mean=math.nan, standard_error=math.nan, points=0)
    if n < 3:
        return Level(mean=float(values.mean()), standard_error=0.0, points=n)
    # What a trend moves is not scatter; where an error is going is judged by its fall.
    has_trend = n >= FEWEST_FOR_TREND
    deviations = _without_trend(values) if has_trend else values - values.mean()
    variance = float(deviations @ deviations) / (n - (2 if has_trend else 1))
    if variance == 0:
        return Level(mean=float(values.mean()), standard_error=0.0, points=n)
    neighbours = float(deviations[:-1] @ deviations[1:]) / (n - 1) / variance
    r = min(max(neighbours, 0.0), 0.9)
    error = math.sqrt(variance / n * (1 + r) / (1 - r))
    return Level(mean=float(values.mean()), standard_error=error, points=n)


def _widen(level: Level, unrest: float) -> Level:
    """The level, known no better than the unrest of the longer tail allows.

    Three or four measurements of an end agree by chance now and then.
    """
    least = unrest / math.sqrt(level.points)
    return replace(level, standard_error=max(level.standard_error, least))


def _after_drop(series: Series, last_drop: float | None) -> float:
    """The step from which the curve has settled at its last learning rate."""
    if last_drop is None:
        return series.steps[0]
    return last_drop + SETTLING_SHARE * (series.steps[-1] - last_drop)


def _last_share(series: Series, settled: float, share: float) -> NDArray[np.bool_]:
    """Which measurements lie in the last `share` of the run and after it `settled`.

    Few measurements make the last three the end, or fewer where a drop came just before.
    """
    x = series.x
    start = max(x[-1] - share * (x[-1] - x[0]), settled)
    chosen: NDArray[np.bool_] = x >= start
    fewest = min(3, len(x), max(int((x >= settled).sum()), 1))
    if chosen.sum() < fewest:
        chosen = np.arange(len(x)) >= len(x) - fewest
    return chosen


def _without_trend(values: Values) -> Values:
    if len(values) < 3:
        return np.zeros_like(values)
    places = np.arange(len(values))
    residuals: Values = values - np.polyval(np.polyfit(places, values, 1), places)
    return residuals


def _best(series: Series) -> tuple[float, float]:
    """The lowest smoothed value and its step."""
    width = _smoothing_width(len(series))
    smoothed = np.convolve(series.y, np.ones(width) / width, mode="valid")
    lowest = int(np.argmin(smoothed))
    return float(smoothed[lowest]), float(series.steps[lowest + width // 2])


def _smoothing_width(points: int) -> int:
    wanted = max(SMOOTHING_POINTS, round(SMOOTHING_SHARE * points))
    return min(wanted, max(points // 3, 1))


def _around(series: Series, step: float) -> float:
    """The series' mean near a step."""
    nearest = int(np.argmin(np.abs(series.x - step)))
    reach = _smoothing_width(len(series)) // 2
    return float(series.y[max(nearest - reach, 0) : nearest + reach + 1].mean())
