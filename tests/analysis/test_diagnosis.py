import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter

from reslab.analysis.diagnosis import diagnose, diagnose_families
from reslab.analysis.diagnosis_curves import Family, NetCurves, Series, TrainingCurve
from reslab.analysis.diagnosis_words import document
from reslab.data.config import DataConfig
from reslab.errors import ConfigError, RunError
from reslab.training.loop import train
from reslab.training.plan import plan_network, plan_run

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark() -> Iterator[Any]:
    sys.path.insert(0, str(BENCHMARKS))
    yield import_module("diagnosis")
    sys.path.remove(str(BENCHMARKS))


def test_curves_of_known_truth_are_told_apart(benchmark: Any) -> None:
    """A tenth of what benchmarks/diagnosis.py counts, with bounds for so few."""
    kinds = benchmark.CURVES["synthetic"]
    counts = benchmark.count_verdicts(kinds, 220, seed=7)
    summary = benchmark.summarise_counts(kinds, counts)
    assert summary["cases"] == 220
    assert summary["right_pct"] >= 90
    assert summary["overfitting_called_degradation"] == 0
    assert counts["deeper fits worse"]["degradation"] >= 19


def test_overfitting_is_not_called_degradation_on_other_curves_either(benchmark: Any) -> None:
    kinds = {k: v for k, v in benchmark.CURVES["wider"].items() if v[0] == "overfitting"}
    counts = benchmark.count_verdicts(kinds, 80, seed=7)
    summary = benchmark.summarise_counts(kinds, counts)
    assert (summary["cases"], summary["overfitting_called_degradation"]) == (80, 0)
    assert summary["right_pct"] >= 90


def flat(value: float, points: int = 60) -> Series:
    steps = tuple(map(float, range(1, points + 1)))
    return Series(steps=steps, values=tuple(max(value, 60 - 10.0 * s) for s in steps))


def net(depth: int, train: float, tests: tuple[float, ...]) -> NetCurves:
    curves = [
        TrainingCurve(name=f"{depth}-{i}", train=flat(train), test=flat(test), epochs=60.0)
        for i, test in enumerate(tests)
    ]
    return NetCurves(depth=depth, seeds=tuple(curves))


def test_resnet_1202_against_110_is_overfitting() -> None:
    """§4.2: 0.1 % of training error, and 7.93 against 6.43 (6.61 ± 0.16) % of test error."""
    nets = (net(110, 0.1, (6.43, 6.61, 6.5, 6.7, 6.8)), net(1202, 0.05, (7.93,)))
    diagnosis = diagnose_families([Family(name="", nets=nets)])
    assert diagnosis.verdict == "overfitting"


def test_a_deeper_net_that_fits_worse_is_degraded_and_never_overfitting() -> None:
    nets = (net(20, 1.0, (9.0, 9.1)), net(56, 5.0, (13.0, 13.2)))
    found = document(diagnose_families([Family(name="plain", nets=nets)]))
    assert found["verdict"] == "degradation"
    assert found["evidence"]
    assert all(line.startswith("plain: ") for line in found["evidence"])


@pytest.mark.parametrize(("kind", "verdict"), [("plainnet", "degradation"), ("resnet", None)])
def test_the_published_logs(kind: str, verdict: str | None, shared: Path) -> None:
    folder = shared / "reference" / "a-martyn"
    sources = [f"{depth}={folder / f'{kind}{depth}.csv'}" for depth in (20, 56)]
    found = diagnose(*sources).verdict
    assert found == verdict if verdict else found != "degradation"


def test_runs_of_reslab_are_grouped_by_what_may_be_compared(tmp_path: Path) -> None:
    data = DataConfig(name="digits")
    for name in ("plain8", "plain14", "resnet8"):
        run = plan_run(plan_network(name, data, width=4), data, steps=6)
        train(run, tmp_path / name)
    diagnosis = diagnose(tmp_path)
    depths = {f.family.name: [n.depth for n in f.family.nets] for f in diagnosis.families}
    assert sorted(depths.values()) == [[8], [8, 14]]
    assert diagnosis.verdict == "cannot tell"


def test_the_same_net_under_another_name_is_not_another_seed(tmp_path: Path) -> None:
    data = DataConfig(name="digits")
    network = plan_network("plain8", data, width=4)
    for name in ("plain8", "another"):
        train(plan_run(replace(network, name=name), data, steps=2), tmp_path / name)
    (family,) = diagnose(tmp_path).families
    assert [len(net.seeds) for net in family.family.nets] == [1]


@pytest.mark.parametrize("seed", range(5))
def test_scatter_that_resembles_itself_is_a_plateau(seed: int) -> None:
    """Neither a best among many noisy test errors nor a chance fall is taken for more."""
    chance = np.random.default_rng(seed)
    curves = tuple(plateau(chance, str(i)) for i in range(4))
    family = Family(name="", nets=(NetCurves(depth=None, seeds=curves),))
    assert diagnose_families([family]).verdict == "plateau"


def plateau(chance: np.random.Generator, name: str) -> TrainingCurve:
    steps = np.arange(1.0, 301.0)
    series = []
    for level in (15.0, 19.0):
        noise = lfilter([0.87], [1, -0.5], chance.normal(0, 2.5, len(steps)))
        values = level + 70 * np.exp(-steps / 12) + noise
        series.append(Series(steps=tuple(steps.tolist()), values=tuple(values.tolist())))
    return TrainingCurve(name=name, train=series[0], test=series[1], epochs=300.0)


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name run folders"):
        diagnose()
    with pytest.raises(RunError, match="holds no run"):
        diagnose(tmp_path)
