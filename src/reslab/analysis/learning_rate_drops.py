"""Whether and when the learning rate came down: as the log has it, else as the curve shows it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reslab.analysis.diagnosis_curves import Series, TrainingCurve

Values = NDArray[np.float64]

LOWER = 0.6
"""A rate below this share of the one before has been dropped, one below this share of the highest
has come down."""
SHARP_FALL, SHARP_FALL_POINTS = 0.12, 0.3
"""A drop lowers the training error by more than this share of it, and these points, at once."""
SHARPER_THAN_TREND = 3.0
"""And by more than this many times what it was falling by, and scattering by, before."""
LONG_WIDTHS = 6
"""Over so many times the width of a drop the errors before it are looked at."""
CALMER = 0.4
"""A rate that came down smoothly calms the curve to less than this share of its unrest."""


@dataclass(frozen=True, kw_only=True)
class RateHistory:
    """What became of the learning rate."""

    came_down: bool
    """Whether it ended lower than it was."""
    last_drop: float | None
    """The step of the last sudden drop, None without one."""
    written: bool
    """Whether the log holds the rate, rather than its traces in the curve."""


def read_rates(curve: TrainingCurve) -> RateHistory:
    """What became of the learning rate in one training."""
    if len(curve.learning_rate) > 1:
        return _read_written(curve.learning_rate)
    drop = _find_last_drop(curve.train)
    return RateHistory(
        came_down=drop is not None or _calms_down(curve.test) or _calms_down(curve.train),
        last_drop=drop,
        written=False,
    )


def _read_written(rate: Series) -> RateHistory:
    y = rate.y
    drops = np.flatnonzero(y[1:] < LOWER * y[:-1]) + 1
    # The last steps of a smooth schedule end near zero, where every step is a large share.
    real = [i for i in drops if i < len(y) - 1 and y[i + 1] >= LOWER * y[i]]
    return RateHistory(
        came_down=bool(y[-1] < LOWER * y.max()),
        last_drop=rate.steps[real[-1]] if real else None,
        written=True,
    )


def _find_last_drop(train: Series) -> float | None:
    """The last step at which the training error fell suddenly and stayed low."""
    y, n = train.y, len(train)
    width = max(3, n // 25)
    falls = [(i, _fall_at(y, i, width)) for i in range(max(2 * width, n // 5), n - width + 1)]
    sharp = [(i, fall) for i, fall in falls if fall > 0]
    if not sharp:
        return None
    # One drop is seen from several steps around it: take the sharpest of the last cluster.
    last = sharp[-1][0]
    cluster = [(fall, i) for i, fall in sharp if i > last - 2 * width]
    return train.steps[max(cluster)[1]]


def _fall_at(y: Values, i: int, width: int) -> float:
    """How far the error falls at measurement `i` as a share of itself, 0 where that is no drop.

    After a drop nearly all errors lie below nearly all before it. Scatter that resembles itself
    falls as far for a while, but not so cleanly.
    """
    earlier, before, after = y[i - 2 * width : i - width], y[i - width : i], y[i : i + width]
    level = float(np.median(before))
    fall = level - float(np.median(after))
    trend = max(float(np.median(earlier)) - level, 0.0)
    long_before = y[max(i - LONG_WIDTHS * width, 0) : i]
    scatter = _scatter(long_before) * (2 / width) ** 0.5
    apart = np.quantile(y[i : i + 3 * width], 0.9) < np.quantile(long_before, 0.1)
    sudden = float(before[-1] - after[0]) > 0.5 * fall
    sharp = fall > SHARPER_THAN_TREND * max(trend, scatter) and sudden and apart
    return fall / level if sharp and fall > max(SHARP_FALL * level, SHARP_FALL_POINTS) else 0.0


def _scatter(values: Values) -> float:
    """Standard deviation about whatever slow course the values take, from neighbours' steps."""
    steps = np.abs(np.diff(values))
    # Of normal scatter of which each value keeps 0.4 of the one before.
    return 1.35 * float(np.median(steps)) if len(steps) else 0.0


def _calms_down(series: Series) -> bool:
    """Whether the last tenth is far calmer than the middle, by steps between neighbours."""
    if len(series) < 30:
        return False
    n = len(series)
    middle, end = series.y[n // 4 : n // 2], series.y[-max(n // 8, 10) :]
    unrest = [
        float(np.median(np.abs(np.diff(part))) / max(float(np.median(part)), 0.1) ** 0.5)
        for part in (middle, end)
    ]
    return unrest[1] < CALMER * unrest[0]
