"""Carrying out a study's runs: several at a time, resumed where they stopped, never repeated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import chain
from pathlib import Path

from reslab.data.dataset import Dataset
from reslab.runs.directory import RunDirectory
from reslab.runs.executor import Stopped, execute
from reslab.runs.metrics import read_last_step
from reslab.studies.setting import PlannedRun
from reslab.training.loop import train
from reslab.training.memory import share_dataset
from reslab.training.opening import load_named
from reslab.training.result import RunResult
from reslab.training.run_config import RunConfig
from reslab.training.together import Place, train_together


@dataclass(frozen=True, kw_only=True)
class StudyProgress:
    """How far a study has come."""

    runs_done: int
    runs: int
    steps_done: int
    steps: int
    measurements_done: int = 0
    measurements: int = 0


@dataclass(frozen=True)
class RunStore:
    """Where a study's runs are kept, and where finished ones of other studies may be found."""

    folder: Path
    """Runs of this study."""
    others: tuple[Path, ...] = ()
    """Folders of other studies' runs; nothing is written there."""

    def locate(self, config: RunConfig) -> RunDirectory:
        """The run of this configuration: a finished one wherever it is, else its place here."""
        name = f"{config.network.name}-seed{config.seed}-{config.digest[:10]}"
        for folder in (self.folder, *self.others):
            if (run := RunDirectory(folder / name)).result_path.is_file():
                return run
        return RunDirectory(self.folder / name)


def find_stores(folder: Path, runs: Path | None = None) -> RunStore:
    """Where a study in `folder` keeps its runs and finds those of the studies beside it.

    Args:
        folder: the study's.
        runs: where its runs are kept; `runs` in its folder by default.
    """
    own = runs or folder / "runs"
    beside = (path for path in folder.parent.glob("*/runs") if path.is_dir())
    return RunStore(own, tuple(path for path in sorted(beside) if path != own))


@dataclass(frozen=True)
class _Job:
    config: RunConfig
    folder: Path
    module: str
    """The study's, imported first so that its blocks and shortcuts are known."""
    dataset: Dataset | None = None
    """Shared with the other jobs' processes; None where the run needs none any more."""


def carry_out(
    runs: Sequence[PlannedRun],
    store: RunStore,
    workers: int,
    *,
    pack: int = 1,
    module: str = __name__,
    on_progress: Callable[[StudyProgress], None] = lambda _progress: None,
) -> list[RunResult]:
    """Carry out the runs, each in its own folder of the store; equal ones once.

    Args:
        runs: the runs.
        store: where they are kept.
        workers: processes at a time.
        pack: runs that share a process and take their steps in turn, as a GPU wants small nets.
        module: imported in each run's process first.
        on_progress: told about twice a second how far the study has come.

    Returns:
        The results in the order of `runs`.

    Raises:
        Stopped: by SIGINT or SIGTERM; the same call goes on from there.
        RunError: if another process writes one of the runs.
    """
    unique = {run.config.digest: run.config for run in runs}
    # The longest first, so that no core idles while the last one runs.
    configs = sorted(unique.values(), key=lambda config: -_cost(config))
    jobs = [_Job(config, store.locate(config).path, module) for config in configs]

    def report() -> None:
        on_progress(_measure_progress(jobs))

    jobs = _share_data(jobs)
    groups = [jobs[i : i + pack] for i in range(0, len(jobs), pack)]
    results = list(chain.from_iterable(execute(_carry_out_group, groups, workers, report)))
    report()
    if any(result.state == "stopped" for result in results):
        # A signal to one process alone: its run is not over, so there is nothing to compare yet.
        raise Stopped
    by_digest = {config.digest: result for config, result in zip(configs, results, strict=True)}
    return [by_digest[run.config.digest] for run in runs]


def _carry_out_group(jobs: Sequence[_Job]) -> list[RunResult]:
    """Runs of one process; each ends as it would alone."""
    import_module(jobs[0].module)
    dataset = next((job.dataset for job in jobs if job.dataset is not None), None)
    if len(jobs) == 1:
        return [train(jobs[0].config, jobs[0].folder, resume=True, dataset=dataset)]
    return train_together([Place(job.config, job.folder) for job in jobs], dataset=dataset)


def _share_data(jobs: Sequence[_Job]) -> list[_Job]:
    """Load each data set once, for all the runs that are not over."""
    loaded: dict[tuple[str, str | None], Dataset] = {}

    def share(job: _Job) -> _Job:
        if RunDirectory(job.folder).result_path.is_file():
            return job
        key = (job.config.data.name, job.config.execution.data_root)
        if key not in loaded:
            loaded[key] = share_dataset(load_named(job.config))
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
