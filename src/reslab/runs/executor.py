"""Many jobs, carried out somewhere: the one interface of every place that can.

A job is an item and the paths it touches; a function carries it out. The function is told where
those paths are, as a machine that does not see this one's disks has them elsewhere.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Locate = Callable[[Path], Path]
"""Where a path of the machine that planned the job is for the process that carries it out."""

TICK_SECONDS = 0.5


class Stopped(Exception):  # noqa: N818
    """A signal ended the work; what was running has saved its state."""


@dataclass(frozen=True, kw_only=True)
class Job(Generic[Item]):
    """One piece of work."""

    item: Item
    """What the function is given."""
    name: str
    """What it is called in messages."""
    folders: tuple[Path, ...] = ()
    """Run folders that it writes, and goes on from; each has one writer at a time."""
    files: tuple[Path, ...] = ()
    """Single files that it writes."""
    reads: tuple[Path, ...] = ()
    """Files and folders that it only reads."""
    module: str | None = None
    """Name of a module that must be importable before the item can be understood."""


@dataclass(frozen=True)
class Failed:
    """A job that raised, or whose process was lost too often."""

    error: Exception


class Executor(ABC):
    """Carries out jobs, several at a time where it can."""

    shares_memory = True
    """Whether jobs are carried out on this machine and can map what lies in its memory."""

    def close(self) -> None:  # noqa: B027 (most have nothing to give back)
        """Give back what carries out the jobs; nothing by default."""

    @abstractmethod
    def execute(
        self,
        function: Callable[[Item, Locate], Result],
        jobs: Sequence[Job[Item]],
        *,
        on_tick: Callable[[], None] = lambda: None,
        keep_going: bool = False,
    ) -> list[Result | Failed]:
        """Call `function` on each job's item, first come first served.

        SIGINT and SIGTERM stop what is running so that it can save its state; nothing new is then
        started.

        Args:
            function: importable by name; its items and results can be pickled.
            jobs: what to do.
            on_tick: called about twice a second while the work goes on.
            keep_going: carry out the others when a job fails, and return the failure in its place.

        Returns:
            The results in the jobs' order.

        Raises:
            Stopped: after a signal, once everything that was running has ended.
            RunError: if a process ends before its work does.
            Exception: what `function` raised first, unless `keep_going`; the others are stopped.
        """


def execute_all(
    executor: Executor,
    function: Callable[[Item, Locate], Result],
    jobs: Sequence[Job[Item]],
    on_tick: Callable[[], None] = lambda: None,
) -> list[Result]:
    """The results of jobs of which none may fail; raises as `Executor.execute` does."""
    outcomes = executor.execute(function, jobs, on_tick=on_tick)
    return [outcome for outcome in outcomes if not isinstance(outcome, Failed)]


def stay(path: Path) -> Path:
    """Where a path is for a job on the machine that planned it: there."""
    return path


def call(function: Callable[[Item, Locate], Result], item: Item) -> Result:
    """Carry out a job where its paths are."""
    return function(item, stay)


def count_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(outcomes: dict[int, Any]) -> list[Any]:
    """What was found for 0, 1, …, in that order."""
    return [outcomes[index] for index in range(len(outcomes))]
