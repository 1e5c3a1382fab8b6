import statistics
from dataclasses import replace
from math import prod
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reslab.errors import ConfigError, RunError
from reslab.runs.executor import Failed
from reslab.runs.executors.here import ThisProcess
from reslab.studies.carry_out import RunStore, carry_out, carry_out_each
from reslab.studies.setting import StudySetting
from reslab.studies.sweep import (
    SweptRun,
    combine,
    find_best,
    parse_variations,
    require_different,
    row_document,
    summarise_sweep,
)
from reslab.training.result import RunResult

NAMES = st.text(alphabet="abcdefgh_", min_size=1, max_size=8)
VALUES = st.lists(st.text(alphabet="0123456789.eE-+", min_size=1), min_size=1, unique=True)


@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_a_grid_has_every_combination_once(variations: dict[str, list[str]]) -> None:
    texts = [f"{name}={','.join(values)}" for name, values in variations.items()]
    ranges = [v for values in variations.values() for v in values if ".." in v]
    if ranges or prod(map(len, variations.values())) > 10_000:
        return
    parsed = parse_variations(texts)
    assert parsed == {name: tuple(values) for name, values in variations.items()}
    combinations = combine(parsed)
    assert len(combinations) == prod(map(len, variations.values()))
    assert len({tuple(combination.items()) for combination in combinations}) == len(combinations)


def test_whole_numbers_may_be_a_range() -> None:
    assert parse_variations(["seed=0..3", "width=4,8"]) == {
        "seed": ("0", "1", "2", "3"),
        "width": ("4", "8"),
    }
    assert parse_variations(["seed=7..7"]) == {"seed": ("7",)}
    assert combine({}) == [{}]


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["seed"], "write NAME=VALUE"),
        (["=1"], "write NAME=VALUE"),
        (["seed="], "write NAME=VALUE"),
        (["seed=1,,2"], "write NAME=VALUE"),
        (["seed=4..1"], "write NAME=VALUE"),
        (["seed=0..99999999"], "more than 10,000 values"),
        (["seed=0..999", "width=1..11"], "11,000 runs"),
        (["seed=1", "seed=2"], "each name once"),
        (["seed=1,2,1"], "each of its values once"),
    ],
)
def test_what_is_no_grid_is_refused(texts: list[str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse_variations(texts)


def plan(rates: tuple[float, ...], seeds: int = 3) -> list[SweptRun]:
    setting = StudySetting(data="digits", steps=2, seeds=seeds, width=4)
    return [
        SweptRun(settings={"learning_rate": str(rate)}, config=run.config)
        for rate in rates
        for run in setting.plan_seeds("resnet8", learning_rate=rate)
    ]


def make_up(run: SweptRun, test_error_pct: float, **changes: object) -> RunResult:
    result = RunResult(
        state="finished",
        network="resnet8",
        family="residual",
        depth=8,
        data="digits",
        seed=run.config.seed,
        digest=run.config.digest,
        steps_done=2,
        train_error_pct=1.0,
        train_loss=1.0,
        running_train_error_pct=1.0,
        validation_error_pct=None,
        test_error_pct=test_error_pct,
        test_loss=1.0,
        elapsed_seconds=1.0,
        images_per_second=1.0,
    )
    return replace(result, **changes)  # type: ignore[arg-type]


def test_seeds_are_summed_up_and_failures_named() -> None:
    runs = plan((0.1, 0.2, 0.3))
    errors = (5.0, 7.0, 12.0)
    outcomes: list[RunResult | Failed] = [make_up(run, e) for run, e in zip(runs, errors)]  # noqa: B905
    outcomes += [make_up(runs[3], 4.0), Failed(RunError("lost")), make_up(runs[5], 6.0)]
    outcomes += [make_up(run, 1.0, state="diverged") for run in runs[6:]]
    first, second, third = rows = summarise_sweep(runs, outcomes)
    summary = first.errors["test_error_pct"]
    assert summary is not None
    assert summary.mean == pytest.approx(statistics.mean(errors))
    assert summary.std == pytest.approx(statistics.stdev(errors))
    assert first.errors["validation_error_pct"] is None
    assert (second.n, second.failures, third.n, third.diverged) == (2, ("lost",), 0, 3)
    assert third.errors["test_error_pct"] is None
    assert find_best(rows) == (second, "test_error_pct")
    held_out = [make_up(run, 1.0, validation_error_pct=float(i)) for i, run in enumerate(runs)]
    found = find_best(summarise_sweep(runs, held_out))
    assert found is not None
    assert (found[0].settings, found[1]) == ({"learning_rate": "0.1"}, "validation_error_pct")
    assert find_best([third]) is None
    assert row_document(second)["test_error_pct"]["best"] == 4.0


def test_what_changes_nothing_is_refused() -> None:
    (first, *_) = plan((0.1,))
    require_different(plan((0.1, 0.2)))
    with pytest.raises(ConfigError, match=r"learning_rate 0\.1 and .* one and the same run"):
        require_different([first, replace(first, settings={"learning_rate": "0.10"})])


def test_a_run_that_fails_keeps_no_other_from_being_trained(tmp_path: Path) -> None:
    runs = [run.planned for run in plan((0.1,))]
    store = RunStore(tmp_path)
    with store.locate(runs[1].config).lock():
        outcomes = carry_out_each(runs, store, ThisProcess())
        with pytest.raises(RunError, match="another process"):
            carry_out(runs, store, ThisProcess())
    assert [isinstance(outcome, Failed) for outcome in outcomes] == [False, True, False]
    (again,) = carry_out_each(runs[1:2], store, ThisProcess())
    assert isinstance(again, RunResult)
    assert carry_out(runs, store, ThisProcess()) == [outcomes[0], again, outcomes[2]]
