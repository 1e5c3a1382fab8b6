"""Training curves of known truth: made as training makes them, with every kind of noise it has.

Errors fall exponentially or as a power, at once where the learning rate drops; seeds end apart;
epochs scatter, the more the higher the rate, and each like the one before; errors are counted on
finitely many images. Margins are those at which a person has no doubt which kind a case is of.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from reslab.analysis.diagnosis_curves import NOTHING, Family, NetCurves, Series, TrainingCurve

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One net's expected curve; errors in percent, times as shares of the run."""

    start: float
    """Error before training."""
    high_rate_floor: float
    """Where the training error settles before the first drop."""
    end: float
    """Where it ends."""
    test_end: float
    """Where the test error ends."""
    pace: float
    """Share of the run after which most of the first fall is done."""
    power: bool = False
    """Whether it falls as a power of time rather than exponentially."""
    drops: tuple[float, ...] = (0.5, 0.75)
    """Of the learning rate; none where it stays."""
    cosine: bool = False
    """Whether the rate comes down smoothly instead."""
    unrest: float = 0.5
    """Scatter of epochs at the high rate, as a share of that of a count over 100 images."""
    test_rise: float = 0.0
    """How far the test error has risen at the end from its lowest, on top of `test_end`."""
    blows_up: float | None = None
    """When it loses what it had learned."""


@dataclass(frozen=True, kw_only=True)
class Logging:
    """How a run is measured and written down."""

    points: int
    """Test errors."""
    train_points: int
    train_images: int
    test_images: int
    writes_rate: bool
    epochs: float | None


class CaseMaker:
    """Draws nets and their curves.

    Args:
        chance: of everything random.
    """

    def __init__(self, chance: Generator) -> None:
        self.random = chance

    def between(self, low: float, high: float) -> float:
        """A number, all between two equally likely."""
        return float(self.random.uniform(low, high))

    def between_powers(self, low: float, high: float) -> float:
        """A number, all orders of magnitude between two equally likely."""
        return float(np.exp(self.random.uniform(np.log(low), np.log(high))))

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return bool(self.random.random() < probability)

    def shape(self) -> Shape:
        """A net that trains as it should, on data from easy to hard."""
        start = self.pick((50.0, 90.0, 90.0, 99.0))
        end = self.between_powers(0.05, 12)
        floor = end + self.between(0.15, 0.35) * (start - end) * self.between(0.3, 1.0)
        return Shape(
            start=start,
            high_rate_floor=floor,
            end=end,
            test_end=end + self.between_powers(0.5, 15),
            pace=self.between(0.03, 0.12),
            power=self.chance(0.3),
            cosine=self.chance(0.25),
            drops=self.pick(((0.5, 0.75), (0.3, 0.6, 0.8), (0.6,))),
            unrest=self.between(0.2, 0.8),
        )

    def pick(self, options: tuple[Any, ...]) -> Any:
        """One of several."""
        return options[int(self.random.integers(len(options)))]

    def logging(self) -> Logging:
        """A run long enough, in the manner of one framework or another."""
        points = int(self.pick((20, 40, 90, 164, 300)))
        return Logging(
            points=points,
            train_points=points if self.chance(0.7) else 200,
            train_images=int(self.pick((5_000, 50_000))),
            test_images=int(self.pick((2_000, 10_000))),
            writes_rate=self.chance(0.3),
            epochs=float(points) if self.chance(0.5) and points >= 40 else None,
        )

    def net(self, depth: int | None, shape: Shape, log: Logging, seeds: int) -> NetCurves:
        """A net over its seeds."""
        curves = [self.curve(self._seed(shape), log, f"seed {i}") for i in range(seeds)]
        return NetCurves(depth=depth, seeds=tuple(curves))

    def pair(
        self, shallow: Shape, deep: Shape, *, log: Logging | None = None, seeds: int | None = None
    ) -> Family:
        """Two depths under one schedule; by default one to five seeds of each."""
        log = log or self.logging()
        counts = [seeds or int(self.random.integers(1, 6)) for _ in range(2)]
        if self.chance(0.7):
            counts[1] = counts[0]
        deep_log = replace(log, points=max(int(log.points * self.pick((1.0, 1.0, 1.3))), 3))
        nets = (self.net(20, shallow, log, counts[0]), self.net(56, deep, deep_log, counts[1]))
        return Family(name="", nets=nets)

    def single(self, shape: Shape, *, log: Logging | None = None) -> Family:
        """One net, one to three seeds."""
        net = self.net(None, shape, log or self.logging(), int(self.random.integers(1, 4)))
        return Family(name="", nets=(net,))

    def curve(self, shape: Shape, log: Logging, name: str) -> TrainingCurve:
        """One training, with its noise."""
        x_train = (1 + np.arange(log.train_points)) / log.train_points
        x_test = (1 + np.arange(log.points)) / log.points
        unrest = self._unrest(x_train, shape), self._unrest(x_test, shape)
        train = np.clip(expected_train(shape, x_train) + unrest[0], 0, 100)
        test = np.clip(expected_test(shape, x_test) + unrest[1], 0, 100)
        rate = Series(steps=tuple(x_test * log.points), values=tuple(rate_at(shape, x_test)))
        return TrainingCurve(
            name=name,
            train=self._count(x_train * log.points, train, log.train_images),
            test=self._count(x_test * log.points, test, log.test_images),
            learning_rate=rate if log.writes_rate else NOTHING,
            epochs=log.epochs,
        )

    def _seed(self, shape: Shape) -> Shape:
        """The same net from other initial weights: it ends a little elsewhere."""
        train = shape.end * float(np.exp(self.random.normal(0, 0.06) * (1 - shape.end / 100)))
        scatter = 0.15 * np.sqrt(shape.test_end / 10)
        test = shape.test_end + float(self.random.normal(0, scatter))
        return replace(shape, end=min(train, shape.start - 0.001), test_end=min(max(test, 0.1), 99))

    def _unrest(self, x: Values, shape: Shape) -> Values:
        """Scatter of epochs, each half like the one before, calmer at a lower rate."""
        draws = self.random.normal(size=len(x))
        noise = np.empty(len(x))
        kept = 0.5 if len(x) > 60 else 0.0
        noise[0] = draws[0]
        for i in range(1, len(x)):
            noise[i] = kept * noise[i - 1] + np.sqrt(1 - kept**2) * draws[i]
        level = expected_train(shape, x)
        spread = 10 * np.sqrt(np.clip(level * (100 - level), 1, None) / 100) / 10
        calm: Values = shape.unrest * spread * np.sqrt(rate_at(shape, x) / 0.1) * noise
        return calm

    def _count(self, steps: Values, errors: Values, images: int) -> Series:
        counted = self.random.binomial(images, errors / 100) * 100 / images
        return Series(steps=tuple(steps.tolist()), values=tuple(counted.tolist()))


def rate_at(shape: Shape, x: Values) -> Values:
    """The learning rate, starting from 0.1."""
    if shape.cosine and shape.drops:
        smooth: Values = 0.05 * (1 + np.cos(np.pi * x)) + 1e-6
        return smooth
    passed = np.zeros_like(x)
    for drop in shape.drops:
        passed = passed + (x > drop)
    dropped: Values = 0.1 / 10.0**passed
    return dropped


def expected_train(shape: Shape, x: Values) -> Values:
    """The training error without noise, [n], at times `x`."""
    fallen = (1 + x / shape.pace) ** -1.5 if shape.power else np.exp(-x / shape.pace)
    errors = shape.high_rate_floor + (shape.start - shape.high_rate_floor) * fallen
    # With the rate goes what it held up: most of it at the first drop.
    errors = errors - (shape.high_rate_floor - shape.end) * _share_gained(shape, x)
    if shape.blows_up is not None:
        errors = np.where(x < shape.blows_up, errors, shape.start)
    return np.clip(errors, 0, 100)


def _share_gained(shape: Shape, x: Values) -> Values:
    if not shape.drops:
        return np.zeros_like(x)
    if shape.cosine:
        return x**4 * (2 - x) ** 2
    gained = np.zeros_like(x)
    for i, drop in enumerate(shape.drops):
        weight = 0.75 * 0.25**i if i < len(shape.drops) - 1 else 0.25**i
        gained = gained + weight * np.where(x > drop, 1 - 0.4 * np.exp(-(x - drop) / 0.05), 0)
    return gained


def expected_test(shape: Shape, x: Values) -> Values:
    """The test error without noise, [n], at times `x`."""
    train = expected_train(shape, x)
    learned = (shape.start - train) / max(shape.start - shape.end, 1e-3)
    errors = train + max(shape.test_end - shape.end, 0.0) * np.clip(learned, 0, 1)
    # What is learned by heart comes late, and goes on.
    errors = errors + shape.test_rise * np.clip((x - 0.4) / 0.55, 0, 1)
    return np.clip(errors, 0, 100)
