"""Studies that are started from the page: what they cost, how they are carried out, how far."""

import os
import signal
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from reslab.errors import ConfigError, RunError
from reslab.runs.directory import RunDirectory
from reslab.runs.metrics import read_last_step
from reslab.studies.carry_out import find_stores
from reslab.studies.catalogue import STUDY_NAMES, find_study
from reslab.studies.conduct import plan_runs
from reslab.studies.cost import estimate_cost
from reslab.studies.setting import choose_setting
from reslab.training.recipe import BUDGET_STEPS, Budget
from reslab.web.jobs import Job, Jobs

MODULE = "reslab"
LOG_FILE = "page.log"
SHARED_RUNS = "runs"


@dataclass(frozen=True, kw_only=True)
class StudyOrder:
    """What was asked for."""

    study: str
    data: str
    budget: Budget

    @property
    def folder_name(self) -> str:
        """Where it is carried out, below the chosen folder."""
        return f"{self.study}-{self.data}-{self.budget}"


@dataclass(frozen=True, kw_only=True)
class StudyNews:
    """How a study stands."""

    job: Job
    runs_done: int
    runs: int
    steps_done: int
    steps: int

    def to_text(self) -> str:
        """In a few words."""
        if self.job.state != "running":
            return self.job.state
        if self.runs_done == self.runs:
            return f"all {self.runs} runs trained; measuring and comparing"
        return f"{self.runs_done} of {self.runs} runs, {self.steps_done:,} of {self.steps:,} steps"


class StudyJobs:
    """Starts studies below one folder and tells how they stand; safe among threads.

    Args:
        jobs: starts the processes.
        folder: the chosen one.
        data_root: folder of CIFAR's official binary files.
    """

    def __init__(self, jobs: Jobs, folder: Path, data_root: Path | None) -> None:
        self.data_root = data_root
        self._jobs = jobs
        self._folder = folder
        self._lock = threading.Lock()
        self._planned: dict[str, tuple[tuple[RunDirectory, ...], int]] = {}

    def start(self, order: StudyOrder) -> Job:
        """Carry out a study in a process of its own.

        Raises:
            ConfigError: if there is no such study, or its data set needs files that are not given.
            RunError: if it has been started already.
        """
        check_order(order)
        if order.data != "digits" and self.data_root is None:
            raise ConfigError(
                f"{order.data} needs its files: start the page with `reslab ui … --data-root DIR`"
            )
        folder = self._folder / order.folder_name
        arguments = ["study", order.study, "--data", order.data, "--budget", order.budget]
        arguments += ["--out", str(folder)]
        shared = self._folder / SHARED_RUNS
        if shared.is_dir():
            arguments += ["--runs", str(shared)]
        if order.data != "digits":
            arguments += ["--data-root", str(self.data_root)]
        planned = _plan(order, folder, shared if shared.is_dir() else None)
        with self._lock:
            job = self._jobs.start(order.folder_name, MODULE, arguments, folder / LOG_FILE)
            self._planned[job.name] = planned
            return job

    def stop(self, name: str) -> None:
        """Ask a study to save its state and end.

        Raises:
            RunError: if it is not running.
        """
        job = self._jobs.find(name)
        if job is None or job.state != "running":
            raise RunError(f"{name} is not running any more")
        os.kill(job.process.pid, signal.SIGTERM)

    def news(self) -> list[StudyNews]:
        """How every study stands that was started here, the newest first."""
        with self._lock:
            planned = dict(self._planned)
        return [
            _measure(job, *planned[job.name]) for job in self._jobs.list() if job.name in planned
        ]


def check_order(order: StudyOrder) -> None:
    """Make sure that what a browser asks for exists.

    Raises:
        ConfigError: if there is no such study, data set or budget.
    """
    if order.study not in STUDY_NAMES or order.budget not in BUDGET_STEPS.get(order.data, ()):
        raise ConfigError(
            f"there is no study {order.study!r} on {order.data!r} at the budget {order.budget!r}: "
            "choose from the lists"
        )


@lru_cache(maxsize=64)
def describe_cost(order: StudyOrder) -> str:
    """What a study costs, in words: `20 runs, 3 measurements and 0.1 hours`.

    Raises:
        ConfigError: if there is no such study, data set or budget.
    """
    check_order(order)
    cost = estimate_cost(find_study(order.study), order.data, order.budget)
    measured = f", {cost.measurements} measurements" if cost.measurements else ""
    return f"{cost.runs} runs{measured} and {cost.core_hours:,.1f} hours"


def _plan(
    order: StudyOrder, folder: Path, shared: Path | None
) -> tuple[tuple[RunDirectory, ...], int]:
    """The study's runs, wherever they are, and their steps in all."""
    study = find_study(order.study)
    depths = study.default_depths(order.data, order.budget)
    setting = choose_setting(order.data, order.budget, depths=depths)
    configs = {run.config.digest: run.config for run in plan_runs(study, setting)}
    store = find_stores(folder, shared)
    directories = tuple(store.locate(config) for config in configs.values())
    return directories, sum(config.recipe.steps for config in configs.values())


def _measure(job: Job, runs: tuple[RunDirectory, ...], steps: int) -> StudyNews:
    return StudyNews(
        job=job,
        runs_done=sum(run.result_path.is_file() for run in runs),
        runs=len(runs),
        steps_done=sum(read_last_step(run.metrics_path) for run in runs),
        steps=steps,
    )
