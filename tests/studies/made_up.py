"""Evidence of studies whose nets ended with given errors, without training any."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.studies.conduct import plan_runs
from reslab.studies.evidence import Evidence, FinishedRun
from reslab.studies.measuring import Measured
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study
from reslab.training.result import RunResult

Errors = Mapping[str, Sequence[tuple[float, float]]]
"""Training and test error of each seed, by the label of the net."""


def make_up_evidence(
    study: Study,
    setting: StudySetting,
    folder: Path,
    errors: Errors,
    *,
    measured: tuple[Measured, ...] = (),
    started: Mapping[str, int] | None = None,
) -> Evidence:
    """The study's runs with these errors.

    Args:
        study: plans the runs.
        setting: says on what.
        folder: where their metrics are written.
        errors: of the nets that ended; others are left out.
        measured: what was measured.
        started: step after which a net's running training error is low; 1 by default.
    """
    runs = [
        _make_up_run(run, folder, errors[run.label][run.config.seed], (started or {}))
        for run in _plan(study, setting)
        if run.label in errors
    ]
    return Evidence(runs=tuple(runs), measured=measured)


@cache
def _plan(study: Study, setting: StudySetting) -> tuple[PlannedRun, ...]:
    return tuple(plan_runs(study, setting))


@cache
def _depth_of(network: NetworkConfig) -> int:
    return describe_network(network).weighted_layers


def _make_up_run(
    planned: PlannedRun, folder: Path, errors: tuple[float, float], started: Mapping[str, int]
) -> FinishedRun:
    config, (train, test) = planned.config, errors
    folder = folder / f"{planned.label}-{config.seed}"
    folder.mkdir()
    start = started.get(planned.label, 1) + config.seed
    lines = [
        f'{{"step": {step}, "running_train_error_pct": {high}, "test_error_pct": {high}}}'
        for step, high in ((start - 1, 90.0), (start, 50.0), (config.recipe.steps, test))
    ]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    result = RunResult(
        state="finished",
        network=config.network.name,
        family=config.network.family,
        depth=_depth_of(config.network),
        data=config.data.name,
        seed=config.seed,
        digest=config.digest,
        steps_done=config.recipe.steps,
        train_error_pct=train,
        train_loss=1.0,
        running_train_error_pct=train,
        validation_error_pct=None,
        test_error_pct=test,
        test_loss=1.0,
        elapsed_seconds=1.0,
        images_per_second=1.0,
    )
    return FinishedRun(label=planned.label, config=config, result=result, folder=folder)
