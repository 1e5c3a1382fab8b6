"""Training curves of known truth: what a net that degrades, overfits, diverges, … would log."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from reslab.analysis.diagnosis_curves import NOTHING, Family, NetCurves, Series, TrainingCurve
from reslab.analysis.diagnosis_net import Verdict

Values = NDArray[np.float64]

TEST_IMAGES = 10_000


@dataclass(frozen=True, kw_only=True)
class _Net:
    """What one net tends to, and how it gets there."""

    train: float
    """Training error at the end, in percent."""
    test: float
    speed: float = 1.0
    """How fast errors fall at the first learning rate; 1 takes about a tenth of the run."""
    drops: tuple[float, ...] = (0.5, 0.75)
    """Shares of the run at which the learning rate is divided by ten."""
    above: tuple[float, ...] = (2.2, 1.25)
    """How much higher the training error stands before each drop, as a share of its end."""
    rises: float = 0.0
    """Points by which the test error climbs from its lowest to the end."""


@dataclass(frozen=True, kw_only=True)
class _Run:
    epochs: int
    seeds: int
    unrest: float
    """Relative scatter at the first learning rate."""


def _draw_run(chance: Generator) -> _Run:
    return _Run(
        epochs=int(chance.integers(60, 201)),
        seeds=int(chance.choice([1, 1, 2, 3, 5])),
        unrest=float(chance.uniform(0.02, 0.08)),
    )


def _draw_base(chance: Generator) -> tuple[float, float]:
    """Training and test error of a sound net."""
    train = float(np.exp(chance.uniform(np.log(0.2), np.log(6))))
    return train, train + float(chance.uniform(4, 9))


def _pair(chance: Generator, shallow: _Net, deep: _Net, run: _Run | None = None) -> Family:
    run = run or _draw_run(chance)
    nets = [_train(shallow, 20, run, chance), _train(deep, 56, run, chance)]
    return Family(name="", nets=tuple(nets))


def _alone(chance: Generator, net: _Net, run: _Run | None = None) -> Family:
    return Family(name="", nets=(_train(net, None, run or _draw_run(chance), chance),))


def _degradation(chance: Generator) -> Family:
    train, test = _draw_base(chance)
    more = float(chance.uniform(1.5, 8)) + 0.4 * train
    deep = _Net(
        train=train + more,
        test=test + more * float(chance.uniform(0.7, 1.3)),
        speed=float(chance.uniform(0.5, 1)),
    )
    return _pair(chance, _Net(train=train, test=test), deep)


def _overfitting(chance: Generator) -> Family:
    train, test = _draw_base(chance)
    deep = _Net(
        train=train * float(chance.uniform(0.05, 1)),
        test=test + float(chance.uniform(1.5, 6)) + 0.1 * test,
        speed=float(chance.uniform(0.6, 1.2)),
    )
    return _pair(chance, _Net(train=train, test=test), deep)


def _learned_by_heart(chance: Generator) -> Family:
    train = float(chance.uniform(0.01, 0.5))
    test = float(chance.uniform(18, 35))
    rises = float(chance.uniform(4.5, 10))
    # It rises after the last drop, as where a net is trained on long after it has learned.
    return _alone(chance, _Net(train=train, test=test, drops=(0.3,), above=(2.2,), rises=rises))


def _better_with_depth(chance: Generator) -> Family:
    train, test = _draw_base(chance)
    deep = _Net(
        train=train * float(chance.uniform(0.1, 0.9)), test=test - float(chance.uniform(0, 1.5))
    )
    return _pair(chance, _Net(train=train, test=test), deep)


def _slower_but_equal(chance: Generator) -> Family:
    train, test = _draw_base(chance)
    deep = _Net(train=train, test=test, speed=float(chance.uniform(0.35, 0.6)))
    return _pair(chance, _Net(train=train, test=test), deep)


def _sound(chance: Generator) -> Family:
    train, test = _draw_base(chance)
    return _alone(chance, _Net(train=min(train, 4), test=test))


def _underfitting(chance: Generator) -> Family:
    train = float(chance.uniform(32, 65))
    test = min(train + float(chance.uniform(0, 4)), 90)
    return _alone(chance, _Net(train=train, test=test, above=(1.15, 1.03)))


def _plateau(chance: Generator) -> Family:
    train = float(chance.uniform(8, 24))
    net = _Net(train=train, test=train + float(chance.uniform(2, 8)), drops=(), above=())
    run = _Run(
        epochs=int(chance.integers(60, 201)),
        seeds=int(chance.choice([1, 2, 3])),
        unrest=float(chance.uniform(0.04, 0.08)),
    )
    return _alone(chance, net, run)


def _divergence(chance: Generator) -> Family:
    train, test = _draw_base(chance)
    run = _draw_run(chance)
    (net,) = _alone(chance, _Net(train=train, test=test), run).nets
    lost = int(chance.integers(run.epochs // 4, run.epochs - run.epochs // 6))
    seeds = [_lose(net.seeds[0], lost, chance), *net.seeds[1:]]
    return Family(name="", nets=(NetCurves(depth=None, seeds=tuple(seeds)),))


def _lose(curve: TrainingCurve, at: int, chance: Generator) -> TrainingCurve:
    """NaN from a step on, or an error that jumps to chance and stays."""
    if chance.random() < 0.5:
        cut = [Series(steps=s.steps[:at], values=s.values[:at]) for s in (curve.train, curve.test)]
        return TrainingCurve(
            name="", train=cut[0], test=cut[1], lost_at=float(at), epochs=curve.epochs
        )
    chance_error = 90 + chance.normal(0, 0.3, len(curve.train) - at)
    train, test = (
        Series(steps=s.steps, values=(*s.values[:at], *chance_error.tolist()))
        for s in (curve.train, curve.test)
    )
    return TrainingCurve(name="", train=train, test=test, epochs=curve.epochs)


def _too_short(chance: Generator) -> Family:
    """A few epochs, in which any order of two nets may be one of speed."""
    run = _Run(epochs=int(chance.integers(4, 9)), seeds=int(chance.choice([1, 2, 3])), unrest=0.05)
    train, test = _draw_base(chance)
    deep = _Net(train=train + float(chance.uniform(0, 10)), test=test + 5)
    return _pair(chance, _Net(train=train, test=test), deep, run)


def _one_short_seed(chance: Generator) -> Family:
    """One seed of each, measured a dozen times, a little apart at the end."""
    run = _Run(epochs=int(chance.integers(11, 15)), seeds=1, unrest=0.1)
    train, test = _draw_base(chance)
    more = float(chance.uniform(0.5, 1.5))
    deep = _Net(train=train + more, test=test + more)
    return _pair(chance, _Net(train=train, test=test), deep, run)


KINDS: dict[str, tuple[Verdict, Callable[[Generator], Family]]] = {
    "deeper fits worse": ("degradation", _degradation),
    "deeper errs more on others": ("overfitting", _overfitting),
    "learned by heart": ("overfitting", _learned_by_heart),
    "better with depth": ("no problem", _better_with_depth),
    "slower but equal": ("no problem", _slower_but_equal),
    "sound": ("no problem", _sound),
    "too weak": ("underfitting", _underfitting),
    "rate never dropped": ("plateau", _plateau),
    "lost": ("divergence", _divergence),
    "too short": ("cannot tell", _too_short),
    "one seed, a dozen points": ("cannot tell", _one_short_seed),
}


def _train(net: _Net, depth: int | None, run: _Run, chance: Generator) -> NetCurves:
    seeds = [_train_seed(net, f"seed {seed}", run, chance) for seed in range(run.seeds)]
    return NetCurves(depth=depth, seeds=tuple(seeds))


def _train_seed(net: _Net, name: str, run: _Run, chance: Generator) -> TrainingCurve:
    epochs = np.arange(1, run.epochs + 1)
    end_train = max(net.train * (1 + chance.normal(0, 0.05)), 0.0)
    end_test = net.test * (1 + chance.normal(0, 0.02))
    train = _approach(net, end_train, 90.0, run, chance)
    # Test errors stand less far above their end before the drops than training errors do.
    test = _approach(net, end_test - net.rises, 90.0, run, chance, calm=0.35)
    if net.rises:
        share = epochs / run.epochs
        test += net.rises * np.clip((share - 0.4) / 0.5, 0, 1)
    measured = chance.normal(0, np.sqrt(np.clip(test * (100 - test), 1, None) / TEST_IMAGES))
    return TrainingCurve(
        name=name,
        train=_series(epochs, train),
        test=_series(epochs, test + measured),
        learning_rate=NOTHING,
        epochs=float(run.epochs),
    )


def _approach(
    net: _Net, end: float, start: float, run: _Run, chance: Generator, calm: float = 1.0
) -> Values:
    """Exponential approaches to a level for each learning rate, with scatter that has memory."""
    n = run.epochs
    levels = [*(end + calm * (a - 1) * max(end, 3.0) for a in net.above), end]
    bounds = [0, *(int(share * n) for share in net.drops), n]
    values = np.empty(n)
    before = start
    for i, level in enumerate(levels):
        first, last = bounds[i], bounds[i + 1]
        pace = 0.08 * n / net.speed if i == 0 else 0.02 * n
        phase = level + (before - level) * np.exp(-np.arange(1, last - first + 1) / pace)
        scatter = run.unrest * 0.4**i * max(level, 0.5)
        values[first:last] = phase + _resembling(last - first, scatter, chance)
        before = float(phase[-1])
    return values


def _resembling(n: int, deviation: float, chance: Generator) -> Values:
    """Scatter in which each value keeps 0.4 of the one before."""
    values = chance.normal(0, deviation, n)
    for i in range(1, n):
        values[i] = 0.4 * values[i - 1] + 0.917 * values[i]
    return values


def _series(epochs: Values, values: Values) -> Series:
    return Series(
        steps=tuple(epochs.astype(float).tolist()), values=tuple(np.clip(values, 0, 100).tolist())
    )
