from pathlib import Path
from typing import Any

import pytest

from reslab.errors import ConfigError
from reslab.networks.complexity import describe_network
from reslab.report.degradation_page import rebuild_report, write_report
from reslab.runs.directory import RunDirectory
from reslab.studies.carry_out import carry_out, run_folder
from reslab.studies.degradation import DegradationPlan, conclude, plan_degradation, plan_runs
from reslab.studies.degradation_words import (
    explain,
    list_deviations,
    list_limits,
    reproduce_command,
)
from reslab.training.result import RunResult
from reslab.training.run_config import ExecutionConfig

EXECUTION = ExecutionConfig(device="cpu", threads=1)
TRAINED = DegradationPlan(data="digits", steps=336, depths=(8, 14), seeds=2, width=4)
TINY = DegradationPlan(data="digits", steps=4, depths=(8, 14), seeds=2, width=4)


def made_up(network: str, train: float, test: float, seed: int = 0) -> RunResult:
    return RunResult(
        state="finished",
        network=network,
        family="plain" if network.startswith("plain") else "residual",
        depth=int(network.removeprefix("plain").removeprefix("resnet")),
        data="digits",
        seed=seed,
        digest="",
        steps_done=4,
        train_error_pct=train,
        train_loss=1.0,
        running_train_error_pct=train,
        validation_error_pct=None,
        test_error_pct=test,
        test_loss=1.0,
        elapsed_seconds=1.0,
        images_per_second=1.0,
    )


def test_plain_and_residual_runs_differ_in_nothing_but_the_shortcut() -> None:
    configs = {(c.network.name, c.seed): c for c in plan_runs(TINY, EXECUTION)}
    assert len(configs) == 8
    plain, residual = configs["plain14", 1], configs["resnet14", 1]
    assert plain.recipe == residual.recipe
    assert plain.data == residual.data
    assert describe_network(plain.network).params == describe_network(residual.network).params
    assert (plain.network.shortcut, residual.network.shortcut) == ("none", "A")


def test_the_paper_budget_on_cifar10_is_the_experiment_of_section_4_2() -> None:
    plan = plan_degradation("cifar10", "paper")
    assert list_deviations(plan) == []
    assert list_limits(conclude(plan, [made_up("plain20", 1, 1)])) == []
    (first, *_) = plan_runs(plan, EXECUTION)
    assert (first.recipe.steps, first.network.stem_width) == (64_000, 16)


@pytest.mark.parametrize("change", [{"depths": ()}, {"depths": (20, 20)}, {"seeds": 0}])
def test_impossible_plans_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(change))):
        DegradationPlan(**{"steps": 4, **change})


def test_a_depth_must_be_6n_plus_2() -> None:
    with pytest.raises(ConfigError, match="20 and 26"):
        plan_runs(DegradationPlan(steps=4, depths=(20, 22)), EXECUTION)


def test_the_verdict_can_say_no() -> None:
    runs = [
        *(made_up("plain8", train, 9.0 + train, seed) for seed, train in enumerate((5.0, 5.2))),
        *(made_up("plain14", train, 9.0 + train, seed) for seed, train in enumerate((5.1, 4.9))),
    ]
    result = conclude(TRAINED, runs)
    assert result.verdict == "none"
    assert "No degradation" in explain(result)
    assert result.residual_verdict == "cannot tell"


def test_a_run_too_short_supports_no_verdict() -> None:
    errors = {"plain8": 10.0, "plain14": 80.0, "resnet8": 10.0, "resnet14": 90.0}
    runs = [made_up(name, e + seed, e, seed) for name, e in errors.items() for seed in (0, 1)]
    assert conclude(TRAINED, runs).verdict == "degradation"
    short = conclude(TINY, runs)
    assert (short.verdict, short.residual_verdict) == ("cannot tell", "cannot tell")
    assert "seen 0.4 times" in explain(short)
    assert "seen 0.4 times" in list_limits(short)[0]


def test_overfitting_is_not_called_degradation() -> None:
    runs = [
        *(made_up("plain8", 5.0, test, seed) for seed, test in enumerate((9.0, 9.1))),
        *(made_up("plain14", 1.0, test, seed) for seed, test in enumerate((14.0, 14.2))),
    ]
    assert conclude(TRAINED, runs).verdict == "overfitting"


def test_a_study_from_its_runs_to_its_page(tmp_path: Path) -> None:
    configs = plan_runs(TINY, EXECUTION)
    results = carry_out(configs, tmp_path, workers=2)
    page = write_report(conclude(TINY, results), tmp_path)
    html = page.read_text()
    assert "http://" not in html.split("<body>")[1]
    assert 'src="data:image/png' in html
    for result in results:
        assert result.network in html
    assert {p.suffix for p in (tmp_path / "figures").iterdir()} == {".png", ".svg"}

    first = RunDirectory(run_folder(tmp_path, configs[0]))
    written_at = first.result_path.stat().st_mtime_ns
    assert carry_out(configs, tmp_path, workers=1) == results
    assert first.result_path.stat().st_mtime_ns == written_at

    before = (tmp_path / "results.json").read_bytes()
    page.unlink()
    rebuilt, again = rebuild_report(tmp_path)
    assert again.is_file()
    assert list(rebuilt.runs) == results
    assert (tmp_path / "results.json").read_bytes() == before


def test_the_command_on_the_page_makes_the_same_runs() -> None:
    command = reproduce_command(TINY)
    assert command == (
        "reslab study degradation --data digits --steps 4 --depths 8,14 --seeds 2 --width 4"
    )
