"""Tracking a run: trackers begin with its first step and end with it, and cannot stop it."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reslab.errors import ReslabError
from reslab.runs.directory import RunDirectory
from reslab.tracking.order import Tracking
from reslab.tracking.position import find_place, locate_file, read_position
from reslab.tracking.process import TrackerProcess

CHECK_SECONDS = 1.0
# Enough to import a package, make a database and send a run's records on a busy machine.
END_SECONDS = 60.0


class Trackers:
    """The trackers of one run.

    Args:
        processes: one for each; not yet started.
        tell: takes each sentence that a person should read.
    """

    def __init__(self, processes: list[TrackerProcess], tell: Callable[[str], None]) -> None:
        self.processes = processes
        self.tell = tell
        self.started = False
        self.ended = False
        self.checked_at = 0.0

    def follow(self) -> None:
        """Called after each step: starts the trackers with the first, then says what has failed."""
        if not self.started:
            self._start()
        now = time.monotonic()
        if now - self.checked_at >= CHECK_SECONDS:
            self.checked_at = now
            self._tell_messages()

    def end(self, state: str) -> None:
        """Tell the trackers how the run ended, and wait for them for at most `END_SECONDS`."""
        if self.ended:
            return
        self.ended = True
        if not self.started:
            # The run had ended before: what a tracker was not told yet, it is told now.
            self.processes = [p for p in self.processes if not _has_been_told(p, state)]
            self._start()
        for process in self.processes:
            process.end(state)
        deadline = time.monotonic() + END_SECONDS
        for process in self.processes:
            for message in process.wait(max(0.0, deadline - time.monotonic())):
                self.tell(message)

    def _start(self) -> None:
        self.started = True
        for process in self.processes:
            process.start()

    def _tell_messages(self) -> None:
        for process in self.processes:
            for message in process.read_messages():
                self.tell(message)

    @property
    def failures(self) -> dict[str, str]:
        """Which trackers have failed, and why."""
        return {p.order.tracker: p.failure for p in self.processes if p.failure is not None}


@contextmanager
def track(
    run_folder: Path, tracking: Tracking | None, tell: Callable[[str], None]
) -> Iterator[Trackers]:
    """Trackers for the run that is carried out within.

    Its `follow` is to be called after each step. The run ends as its folder says, or has failed if
    there is an exception.

    Args:
        run_folder: the run's.
        tracking: where to show it; None is nowhere.
        tell: takes each sentence that a person should read.
    """
    orders = tracking.orders_for(run_folder) if tracking else []
    trackers = Trackers([TrackerProcess(order) for order in orders], tell)
    try:
        yield trackers
        if tracking:
            trackers.end(_read_state(run_folder))
    except BaseException:
        if trackers.started:
            trackers.end("failed")
        raise
    finally:
        for process in trackers.processes:
            process.kill()


def send_stored(
    run_folder: Path, tracking: Tracking, tell: Callable[[str], None]
) -> dict[str, str]:
    """Show a stored run, as far as it has come.

    Returns:
        Which trackers failed, and why.
    """
    with track(run_folder, tracking, tell) as trackers:
        pass
    return trackers.failures


def _read_state(run_folder: Path) -> str:
    """How the stored run ended; one without a result was stopped."""
    try:
        result = RunDirectory(run_folder).read_result()
    except ReslabError:
        return "failed"
    return "stopped" if result is None else str(result.get("state"))


def find_failures(run_folders: Iterable[Path], tracking: Tracking) -> dict[str, list[str]]:
    """Why each tracker gave up on how many of the runs; only those that did."""
    failures: dict[str, list[str]] = {}
    for run_folder in run_folders:
        for order in tracking.orders_for(run_folder):
            path = locate_file(order, "failed")
            if path.is_file():
                reason = path.read_text(encoding="utf-8").strip()
                failures.setdefault(order.tracker, []).append(reason)
    return failures


def _has_been_told(process: TrackerProcess, state: str) -> bool:
    """Whether the tracker knows the whole of a run that has ended."""
    position = read_position(locate_file(process.order, "json"))
    return (
        position is not None
        and position.ended == state
        and position.place == find_place(process.order)
        and not process.failure_path.is_file()
    )
