"""Carrying out a study's runs: several at a time, resumed where they stopped, never repeated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reslab.data.dataset import Dataset
from reslab.runs.directory import RunDirectory
from reslab.runs.executor import Stopped, execute
from reslab.runs.metrics import read_last_step
from reslab.training.loop import load_data, train
from reslab.training.memory import share_dataset
from reslab.training.result import RunResult
from reslab.training.run_config import RunConfig


@dataclass(frozen=True, kw_only=True)
class StudyProgress:
    """How far a study has come."""

    runs_done: int
    runs: int
    steps_done: int
    steps: int


@dataclass(frozen=True)
class _Job:
    config: RunConfig
    folder: Path
    dataset: Dataset | None = None
    """Shared with the other jobs' processes; None where the run needs none any more."""


def carry_out(
    configs: Sequence[RunConfig],
    folder: Path,
    workers: int,
    on_progress: Callable[[StudyProgress], None] = lambda _progress: None,
) -> list[RunResult]:
    """Carry out the runs, each in its own folder below `folder`.

    Args:
        configs: the runs.
        folder: the study's folder.
        workers: runs at a time.
        on_progress: told about twice a second how far the study has come.

    Returns:
        The results in the order of `configs`.

    Raises:
        Stopped: by SIGINT or SIGTERM; the same call goes on from there.
        RunError: if another process writes one of the runs.
    """
    jobs = [_Job(config, run_folder(folder, config)) for config in configs]

    def report() -> None:
        on_progress(_measure_progress(jobs))

    # The longest first, so that no core idles while the last one runs.
    order = sorted(range(len(jobs)), key=lambda i: -_cost(jobs[i].config))
    results = execute(_carry_out_one, _share_data([jobs[i] for i in order]), workers, report)
    report()
    if any(result.state == "stopped" for result in results):
        # A signal to one process alone: its run is not over, so there is nothing to compare yet.
        raise Stopped
    by_index = dict(zip(order, results, strict=True))
    return [by_index[i] for i in range(len(jobs))]


def run_folder(folder: Path, config: RunConfig) -> Path:
    """Where a study keeps a run: readable, and distinct for every configuration."""
    name = f"{config.network.name}-seed{config.seed}-{config.digest[:10]}"
    return folder / "runs" / name


def _carry_out_one(job: _Job) -> RunResult:
    return train(job.config, job.folder, resume=True, dataset=job.dataset)


def _share_data(jobs: Sequence[_Job]) -> list[_Job]:
    """Load each data set once, for all the runs that are not over."""
    loaded: dict[tuple[str, str | None], Dataset] = {}

    def share(job: _Job) -> _Job:
        if RunDirectory(job.folder).result_path.is_file():
            return job
        key = (job.config.data.name, job.config.execution.data_root)
        if key not in loaded:
            loaded[key] = share_dataset(load_data(job.config))
        return replace(job, dataset=loaded[key])

    return [share(job) for job in jobs]


def _cost(config: RunConfig) -> int:
    return config.recipe.steps * sum(config.network.blocks_per_stage)


def _measure_progress(jobs: Sequence[_Job]) -> StudyProgress:
    runs = [RunDirectory(job.folder) for job in jobs]
    return StudyProgress(
        runs_done=sum(run.result_path.is_file() for run in runs),
        runs=len(runs),
        steps_done=sum(read_last_step(run.metrics_path) for run in runs),
        steps=sum(job.config.recipe.steps for job in jobs),
    )
