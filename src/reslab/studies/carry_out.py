"""Carrying out a study's runs: several at a time, resumed where they stopped, never repeated."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from reslab.data.config import ImageDataConfig
from reslab.data.dataset import Dataset
from reslab.runs.directory import RunDirectory
from reslab.runs.executor import Executor, Failed, Job, Locate, Stopped
from reslab.runs.metrics import read_last_step
from reslab.studies.relocating import list_read, relocate
from reslab.studies.setting import PlannedRun
from reslab.tracking.order import Tracking
from reslab.tracking.track import track
from reslab.training.loop import Observer, train
from reslab.training.memory import share_dataset
from reslab.training.opening import load_data, load_named
from reslab.training.result import RunResult, run_result_from
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

    def owns(self, run_folder: Path) -> bool:
        """Whether a run is this study's own."""
        return run_folder.parent == self.folder


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
    """Shared with the other jobs' processes; None where each loads its own."""
    tracking: Tracking | None = None
    """Where the run is to be shown while it trains."""


def carry_out(
    runs: Sequence[PlannedRun],
    store: RunStore,
    executor: Executor,
    *,
    pack: int = 1,
    module: str = __name__,
    tracking: Tracking | None = None,
    on_progress: Callable[[StudyProgress], None] = lambda _progress: None,
) -> list[RunResult]:
    """Carry out the runs, each in its own folder of the store; equal ones once.

    Args:
        runs: the runs.
        store: where they are kept.
        executor: where they are carried out.
        pack: runs that share a process and take their steps in turn, as a GPU wants small nets.
        module: imported in each run's process first.
        tracking: where the runs of this store are shown; other studies' are not touched.
        on_progress: told about twice a second how far the study has come.

    Returns:
        The results in the order of `runs`.

    Raises:
        Stopped: by SIGINT or SIGTERM; the same call goes on from there.
        RunError: if another process writes one of the runs.
    """
    campaign = _Campaign(runs, store, executor, pack, module, on_progress)
    campaign.track(tracking)
    outcomes = campaign.carry_out(keep_going=False)
    return [outcome for outcome in outcomes if not isinstance(outcome, Failed)]


def carry_out_each(
    runs: Sequence[PlannedRun],
    store: RunStore,
    executor: Executor,
    *,
    pack: int = 1,
    tracking: Tracking | None = None,
    on_progress: Callable[[StudyProgress], None] = lambda _progress: None,
) -> list[RunResult | Failed]:
    """The same, but a run that fails keeps no other from being carried out.

    Raises:
        Stopped: by SIGINT or SIGTERM; the same call goes on from there.
    """
    campaign = _Campaign(runs, store, executor, pack, __name__, on_progress)
    campaign.track(tracking)
    return campaign.carry_out(keep_going=True)


class _Campaign:
    def __init__(
        self,
        runs: Sequence[PlannedRun],
        store: RunStore,
        executor: Executor,
        pack: int,
        module: str,
        on_progress: Callable[[StudyProgress], None],
    ) -> None:
        self.digests = [run.config.digest for run in runs]
        unique = {run.config.digest: run.config for run in runs}
        # The longest first, so that no core idles while the last one runs.
        configs = sorted(unique.values(), key=lambda config: -_cost(config))
        self.jobs = [_Job(config, store.locate(config).path, module) for config in configs]
        self.store = store
        self.executor = executor
        self.pack = pack
        self.on_progress = on_progress

    def track(self, tracking: Tracking | None) -> None:
        """Show the runs of the campaign's own store; those of others are only read."""
        self.jobs = [
            replace(job, tracking=tracking) if self.store.owns(job.folder) else job
            for job in self.jobs
        ]

    def carry_out(self, *, keep_going: bool) -> list[RunResult | Failed]:
        """The outcomes in the order of the runs."""
        ended = [job for job in self.jobs if _has_ended(job)]
        outcomes: dict[str, RunResult | Failed] = {
            job.config.digest: _read_result(job) for job in ended
        }
        waiting = [job for job in self.jobs if job.config.digest not in outcomes]
        groups = [tuple(waiting[i : i + self.pack]) for i in range(0, len(waiting), self.pack)]
        for group, outcome in zip(groups, self._execute(groups, keep_going), strict=True):
            results = [outcome] * len(group) if isinstance(outcome, Failed) else outcome
            digests = [job.config.digest for job in group]
            outcomes |= dict(zip(digests, results, strict=True))
        self._report()
        if any(isinstance(o, RunResult) and o.state == "stopped" for o in outcomes.values()):
            # A signal to one process alone: its run is not over, so there is nothing to compare.
            raise Stopped
        return [outcomes[digest] for digest in self.digests]

    def _execute(
        self, groups: Sequence[tuple[_Job, ...]], keep_going: bool
    ) -> list[list[RunResult] | Failed]:
        if not groups:
            return []
        if self.executor.shares_memory:
            groups = _share_data(groups)
        return self.executor.execute(
            _carry_out_group,
            [_to_executor_job(group) for group in groups],
            on_tick=self._report,
            keep_going=keep_going,
        )

    def _report(self) -> None:
        self.on_progress(_measure_progress(self.jobs))


def _has_ended(job: _Job) -> bool:
    return RunDirectory(job.folder).result_path.is_file()


def _read_result(job: _Job) -> RunResult:
    run = RunDirectory(job.folder)
    return run_result_from(run.read_result(), str(run.result_path))


def _to_executor_job(group: tuple[_Job, ...]) -> Job[tuple[_Job, ...]]:
    reads = {path: None for job in group for path in list_read(job.config.execution)}
    return Job(
        item=group,
        name=", ".join(job.folder.name for job in group),
        folders=tuple(job.folder for job in group),
        reads=tuple(reads),
        module=group[0].module,
    )


def _carry_out_group(jobs: tuple[_Job, ...], locate: Locate) -> list[RunResult]:
    """Runs of one process; each ends as it would alone."""
    import_module(jobs[0].module)
    places = [_to_place(job, locate) for job in jobs]
    with _tracked([_locate_tracking(job, locate) for job in jobs], places) as observer:
        if len(jobs) > 1:
            data = jobs[0].dataset or load_named(_relocated(jobs[0].config, locate))
            return train_together(places, observer=observer, dataset=data)
        dataset = jobs[0].dataset or load_data(_relocated(jobs[0].config, locate))
        config, folder = places[0].config, places[0].folder
        return [train(config, folder, resume=True, observer=observer, dataset=dataset)]


@contextmanager
def _tracked(trackings: Sequence[Tracking | None], places: Sequence[Place]) -> Iterator[Observer]:
    """Show each run in its trackers; which of them failed is said once for the whole study."""
    with ExitStack() as stack:
        trackers = [
            stack.enter_context(track(place.folder, tracking, lambda _message: None))
            for tracking, place in zip(trackings, places, strict=True)
        ]

        def follow(_done: int, _total: int) -> None:
            for each in trackers:
                each.follow()

        yield Observer(on_step=follow)


def _locate_tracking(job: _Job, locate: Locate) -> Tracking | None:
    """Away from the study's folder a tracker writes to the run's, with which it comes back."""
    if job.tracking is None or locate(job.folder) == job.folder:
        return job.tracking
    return replace(job.tracking, folder=None)


def _to_place(job: _Job, locate: Locate) -> Place:
    # What the run stores says where its data are for who planned it; weights are read from there.
    weights = _relocated(job.config, locate).execution.weights
    execution = replace(job.config.execution, weights=weights)
    return Place(replace(job.config, execution=execution), locate(job.folder))


def _relocated(config: RunConfig, locate: Locate) -> RunConfig:
    return replace(config, execution=relocate(config.execution, locate))


def _share_data(groups: Sequence[tuple[_Job, ...]]) -> list[tuple[_Job, ...]]:
    """Load each data set that is held in memory once, for all the runs."""
    loaded: dict[tuple[str, str | None], Dataset] = {}

    def share(job: _Job) -> _Job:
        if isinstance(job.config.data, ImageDataConfig):
            return job
        key = (job.config.data.name, job.config.execution.data_root)
        if key not in loaded:
            loaded[key] = share_dataset(load_named(job.config))
        return replace(job, dataset=loaded[key])

    return [tuple(map(share, group)) for group in groups]


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
