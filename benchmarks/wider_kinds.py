"""Kinds of curves of known truth, more of them than `synthetic_curves` has.

Pairs that diverge, wait or fit too little, cosine schedules, logged rates, falls as a power of
time, unequal seeds and lengths.
"""

from collections.abc import Callable
from dataclasses import replace

from numpy.random import Generator
from wider_curves import CaseMaker, Logging, Shape

from reslab.analysis.diagnosis_curves import Family, Series, TrainingCurve
from reslab.analysis.diagnosis_net import Verdict


def _degraded(make: CaseMaker) -> Family:
    shallow = make.shape()
    worse = max(2.5, 0.5 * shallow.end) * make.between_powers(1, 10)
    end = min(shallow.end + worse, shallow.start)
    return make.pair(
        shallow,
        replace(
            shallow,
            end=end,
            high_rate_floor=min(max(shallow.high_rate_floor + worse, end), shallow.start),
            test_end=min(shallow.test_end + make.between(0.7, 1.3) * worse, 99),
            pace=shallow.pace * make.between(1, 1.8),
        ),
    )


def _degraded_to_chance(make: CaseMaker) -> Family:
    shallow = make.shape()
    stuck = replace(
        shallow, high_rate_floor=shallow.start, end=shallow.start, test_end=shallow.start
    )
    stuck = replace(stuck, end=shallow.start - 0.01)
    return make.pair(shallow, stuck)


def _overfitted_deep(make: CaseMaker) -> Family:
    shallow = make.shape()
    worse = max(2.0, 0.3 * shallow.test_end) * make.between_powers(1, 4)
    return make.pair(
        shallow,
        replace(
            shallow,
            end=shallow.end * make.pick((1.0, make.between(0.05, 1))),
            test_end=shallow.test_end + worse,
            pace=shallow.pace * make.between(0.7, 1.5),
        ),
    )


def _overfitted_while_training(make: CaseMaker) -> Family:
    shallow = make.shape()
    rise = max(2.5, 0.35 * shallow.test_end) * make.between_powers(1, 3)
    shallow = replace(shallow, end=min(shallow.end, 3.0))
    deep = replace(shallow, end=shallow.end * make.between(0.1, 1), test_rise=rise)
    return make.pair(shallow, deep)


def _overfitted_alone(make: CaseMaker) -> Family:
    shape = make.shape()
    rise = max(2.5, 0.35 * shape.test_end) * make.between_powers(1, 3)
    # A drop while the test error rises hides how it rises: it comes before, or not at all.
    drops = make.pick(((0.3,), ()))
    end = min(shape.end, 3.5)
    floor = shape.high_rate_floor if drops else end
    rising = replace(
        shape, cosine=False, end=end, high_rate_floor=floor, drops=drops, test_rise=rise
    )
    return make.single(replace(rising, unrest=0.3 if not drops else shape.unrest))


def _learned_by_heart(make: CaseMaker) -> Family:
    shape = make.shape()
    start = make.pick((90.0, 99.0))
    return make.single(
        replace(shape, start=start, end=make.between_powers(0.05, 3), test_end=make.between(40, 60))
    )


def _weak_shape(make: CaseMaker) -> Shape:
    shape = make.shape()
    start = make.pick((90.0, 99.0))
    end = make.between(33, 70)
    return replace(
        shape,
        start=start,
        end=end,
        high_rate_floor=end * make.between(1.02, 1.25),
        test_end=end + make.between(0, 4),
        pace=make.between(0.03, 0.08),
        power=False,
        unrest=make.between(0.1, 0.5),
    )


def _underfitted_alone(make: CaseMaker) -> Family:
    return make.single(_weak_shape(make))


def _underfitted_at_each_depth(make: CaseMaker) -> Family:
    shape = _weak_shape(make)
    return make.pair(shape, shape)


def _never_learns(make: CaseMaker) -> Family:
    start = make.pick((90.0, 99.0))
    shape = make.shape()
    return make.single(
        replace(shape, start=start, high_rate_floor=start, end=start - 0.01, test_end=start)
    )


def _waiting_shape(make: CaseMaker) -> Shape:
    shape = make.shape()
    level = make.between(8, 22)
    return replace(
        shape,
        start=make.pick((90.0, 99.0)),
        high_rate_floor=level,
        end=level,
        test_end=level + make.between(1, 6),
        pace=make.between(0.03, 0.08),
        power=False,
        drops=(),
        unrest=make.between(0.3, 0.8),
    )


def _waiting_alone(make: CaseMaker) -> Family:
    return make.single(_waiting_shape(make))


def _waiting_at_each_depth(make: CaseMaker) -> Family:
    shape = _waiting_shape(make)
    return make.pair(shape, shape)


def _blown_up(make: CaseMaker) -> Family:
    return make.single(replace(make.shape(), blows_up=make.between(0.2, 0.8)))


def _deep_blown_up(make: CaseMaker) -> Family:
    shape = make.shape()
    return make.pair(shape, replace(shape, blows_up=make.between(0.2, 0.8)))


def _no_number(make: CaseMaker) -> Family:
    shape = make.shape()
    family = make.pair(shape, shape) if make.chance(0.5) else make.single(shape)
    deepest = family.nets[-1]
    lost = _cut(deepest.seeds[0], make.between(0.05, 0.9))
    nets = (*family.nets[:-1], replace(deepest, seeds=(lost, *deepest.seeds[1:])))
    return replace(family, nets=nets)


def _cut(curve: TrainingCurve, share: float) -> TrainingCurve:
    last = share * curve.last_step
    train, test = (
        Series(
            steps=tuple(s for s in series.steps if s <= last),
            values=tuple(v for s, v in zip(series.steps, series.values, strict=True) if s <= last),
        )
        for series in (curve.train, curve.test)
    )
    return replace(curve, train=train, test=test, lost_at=last)


def _deeper_is_better(make: CaseMaker) -> Family:
    shallow = make.shape()
    gain = make.between(0.3, 0.9)
    test_gain = make.between(0.02, 0.2) * shallow.test_end
    deep = replace(shallow, end=gain * shallow.end, test_end=shallow.test_end - test_gain)
    # Neither is still on its way at the end.
    deep = replace(deep, pace=min(shallow.pace * make.between(0.7, 2), 0.14), power=False)
    return make.pair(replace(shallow, power=False), deep)


def _deeper_is_slower_and_as_good(make: CaseMaker) -> Family:
    shallow = make.shape()
    slow = replace(
        shallow,
        pace=min(shallow.pace * make.between(2, 3), 0.14),
        high_rate_floor=min(shallow.high_rate_floor * make.between(1, 1.5), 0.8 * shallow.start),
        unrest=shallow.unrest * make.between(1, 1.4),
        power=False,
    )
    return make.pair(replace(shallow, power=False), slow)


def _deeper_fits_better_with_a_wider_gap(make: CaseMaker) -> Family:
    shallow = make.shape()
    shallow = replace(shallow, end=make.between(2, 12))
    shallow = replace(shallow, test_end=shallow.end + make.between(2, 8))
    deep = replace(shallow, end=0.1 * shallow.end, test_end=0.93 * shallow.test_end)
    return make.pair(shallow, deep)


def _alone_and_well(make: CaseMaker) -> Family:
    return make.single(make.shape())


def _short_log(make: CaseMaker) -> Logging:
    points = int(make.random.integers(3, 9))
    return replace(make.logging(), points=points, train_points=points, epochs=float(points))


def _short_single_seeds(make: CaseMaker) -> Family:
    shallow = replace(make.shape(), drops=(), pace=make.between(0.2, 0.6))
    deep = replace(shallow, pace=shallow.pace * make.between(0.7, 2.0))
    return make.pair(shallow, deep, log=_short_log(make), seeds=1)


def _short_alone(make: CaseMaker) -> Family:
    shape = replace(make.shape(), drops=(), pace=make.between(0.2, 0.6))
    return make.single(shape, log=_short_log(make))


def _noisy_single_seeds(make: CaseMaker) -> Family:
    shallow = replace(make.shape(), drops=(), end=3.0, high_rate_floor=make.between(10, 20))
    shallow = replace(shallow, start=90.0, unrest=make.between(2.0, 3.0), pace=0.15, power=False)
    shallow = replace(shallow, test_end=6.0)
    higher = make.between(1.5, 2.5)
    deep = replace(shallow, high_rate_floor=shallow.high_rate_floor + higher)
    log = replace(make.logging(), points=20, train_points=20, epochs=20.0, writes_rate=False)
    return make.pair(shallow, deep, log=log, seeds=1)


MakeFamily = Callable[[Generator], Family]


def _kind(truth: Verdict, make: Callable[[CaseMaker], Family]) -> tuple[Verdict, MakeFamily]:
    return truth, lambda chance: make(CaseMaker(chance))


KINDS: dict[str, tuple[Verdict, MakeFamily]] = {
    "deeper fits worse": _kind("degradation", _degraded),
    "deeper stays at chance": _kind("degradation", _degraded_to_chance),
    "deeper errs more on others": _kind("overfitting", _overfitted_deep),
    "deeper unlearns on others": _kind("overfitting", _overfitted_while_training),
    "unlearns on others": _kind("overfitting", _overfitted_alone),
    "learned by heart": _kind("overfitting", _learned_by_heart),
    "too weak": _kind("underfitting", _underfitted_alone),
    "too weak at both depths": _kind("underfitting", _underfitted_at_each_depth),
    "never learns": _kind("underfitting", _never_learns),
    "blows up": _kind("divergence", _blown_up),
    "deeper blows up": _kind("divergence", _deep_blown_up),
    "no number": _kind("divergence", _no_number),
    "waits": _kind("plateau", _waiting_alone),
    "waits at both depths": _kind("plateau", _waiting_at_each_depth),
    "better with depth": _kind("no problem", _deeper_is_better),
    "slower and as good": _kind("no problem", _deeper_is_slower_and_as_good),
    "fits better, wider gap": _kind("no problem", _deeper_fits_better_with_a_wider_gap),
    "sound": _kind("no problem", _alone_and_well),
    "short, one seed each": _kind("cannot tell", _short_single_seeds),
    "short": _kind("cannot tell", _short_alone),
    "noisy, one seed each": _kind("cannot tell", _noisy_single_seeds),
}
"""The truth of each kind, and what makes one of it."""
