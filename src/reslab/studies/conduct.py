"""From a study and its setting to its findings: train, measure, conclude; or conclude anew."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reslab.errors import ConfigError, RunError
from reslab.runs.executor import Executor, Job, execute_all
from reslab.runs.executors.processes import LocalProcesses
from reslab.studies.carry_out import RunStore, StudyProgress, carry_out
from reslab.studies.evidence import Evidence, FinishedRun
from reslab.studies.findings import Findings
from reslab.studies.measuring import (
    Measurement,
    MeasuringJob,
    carry_out_measurement,
    place_measurement,
    read_measured,
)
from reslab.studies.relocating import list_read
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study
from reslab.tracking.order import Tracking
from reslab.training.result import run_result_from
from reslab.training.run_config import ExecutionConfig


@dataclass(frozen=True, kw_only=True)
class StudyOutcome:
    """A study that has been carried out."""

    study: Study
    setting: StudySetting
    evidence: Evidence
    findings: Findings

    @property
    def seconds(self) -> float:
        """Of training, over all runs."""
        runs = {run.config.digest: run for run in self.evidence.runs}
        return sum(run.result.elapsed_seconds for run in runs.values())


def conduct(  # noqa: PLR0913
    study: Study,
    setting: StudySetting,
    folder: Path,
    *,
    store: RunStore | None = None,
    execution: ExecutionConfig | None = None,
    executor: Executor | None = None,
    pack: int = 1,
    tracking: Tracking | None = None,
    on_progress: Callable[[StudyProgress], None] = lambda _progress: None,
) -> StudyOutcome:
    """Carry out a study, or what is left of it, and conclude.

    Args:
        study: what to find out.
        setting: on what, for how long, over how many seeds.
        folder: where its measurements are kept.
        store: where its runs are kept and found; `runs` in `folder` by default.
        execution: where and how each run computes.
        executor: where runs and measurements are carried out; by default one after another in a
            process of this machine.
        pack: runs that share a process, as a GPU wants small nets.
        tracking: where its own runs are shown while they train.
        on_progress: told about twice a second how far the study has come.

    Raises:
        Stopped: by SIGINT or SIGTERM; the same call goes on from there.
        ReslabError: what a run or a measurement raised.
    """
    store = store or RunStore(folder / "runs")
    execution = execution or ExecutionConfig(threads=1)
    executor = executor or LocalProcesses()
    runs = [_with_execution(run, execution) for run in plan_runs(study, setting)]
    progress = StudyProgress(runs_done=0, runs=0, steps_done=0, steps=0)

    def note(news: StudyProgress) -> None:
        nonlocal progress
        progress = news
        on_progress(progress)

    carry_out(
        runs,
        store,
        executor,
        pack=pack,
        module=type(study).__module__,
        tracking=tracking,
        on_progress=note,
    )
    jobs = _place_measurements(study, setting, folder, store, execution)
    _measure(jobs, executor, lambda done: note(_add_measurements(progress, done, len(jobs))))
    return conclude(study, setting, folder, store)


def conclude(study: Study, setting: StudySetting, folder: Path, store: RunStore) -> StudyOutcome:
    """Conclude from stored runs and measurements; trains and measures nothing.

    Raises:
        RunError: if a run or a measurement is missing.
        ConfigError: if one of their files is damaged.
    """
    runs = [_read_run(run, store) for run in plan_runs(study, setting)]
    jobs = _place_measurements(study, setting, folder, store, ExecutionConfig())
    evidence = Evidence(runs=tuple(runs), measured=tuple(map(read_measured, jobs)))
    findings = study.conclude(setting, evidence)
    return StudyOutcome(study=study, setting=setting, evidence=evidence, findings=findings)


def plan_runs(study: Study, setting: StudySetting) -> list[PlannedRun]:
    """The study's runs: seeds outermost, so that a study cut short has whole comparisons.

    Raises:
        ConfigError: if the setting asks for what the study has not.
    """
    if setting.weights and not study.takes_weights:
        raise ConfigError(f"the study {study.name} measures no given weights: leave them out")
    return sorted(study.plan_runs(setting), key=lambda run: run.config.seed)


def _with_execution(run: PlannedRun, execution: ExecutionConfig) -> PlannedRun:
    return replace(run, config=replace(run.config, execution=execution))


def _read_run(run: PlannedRun, store: RunStore) -> FinishedRun:
    directory = store.locate(run.config)
    stored = directory.read_result()
    if stored is None:
        raise RunError(
            f"{directory.path} holds no finished run of {run.label}, seed {run.config.seed}: give "
            "the study's command again to make it"
        )
    result = run_result_from(stored, str(directory.result_path))
    return FinishedRun(label=run.label, config=run.config, result=result, folder=directory.path)


def _place_measurements(
    study: Study, setting: StudySetting, folder: Path, store: RunStore, execution: ExecutionConfig
) -> list[MeasuringJob]:
    return [
        place_measurement(
            measurement,
            folder,
            data=setting.data,
            execution=execution,
            weights_path=_weights_path(measurement, store),
            module=type(study).__module__,
        )
        for measurement in study.plan_measurements(setting)
    ]


def _weights_path(measurement: Measurement, store: RunStore) -> Path | None:
    if measurement.weights is not None:
        return Path(measurement.weights)
    if measurement.run is not None and measurement.trained:
        return store.locate(measurement.run).weights_path
    return None


def _measure(
    jobs: Sequence[MeasuringJob], executor: Executor, on_progress: Callable[[int], None]
) -> None:
    def report() -> None:
        on_progress(sum(job.path.is_file() for job in jobs))

    if missing := [job for job in jobs if not job.path.is_file()]:
        execute_all(executor, carry_out_measurement, list(map(_to_job, missing)), report)
    if jobs:
        report()


def _to_job(job: MeasuringJob) -> Job[MeasuringJob]:
    weights = job.subject.weights_path
    return Job(
        item=job,
        name=job.path.stem,
        files=(job.path,),
        reads=(*list_read(job.subject.execution), *(() if weights is None else (weights,))),
        module=job.module,
    )


def _add_measurements(progress: StudyProgress, done: int, measurements: int) -> StudyProgress:
    return replace(progress, measurements_done=done, measurements=measurements)
