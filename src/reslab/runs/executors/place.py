"""One process on some machine that carries out jobs, and hands out what they write.

Knows nothing of Ray: `ray_executor` makes an actor of it on a node of a cluster.
"""

import multiprocessing
import pickle
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from reslab.errors import RunError
from reslab.runs.directory import RunDirectory
from reslab.runs.executor import Failed, Job, Locate
from reslab.runs.executors.processes import GRACE_SECONDS, start_worker, stop_processes
from reslab.runs.executors.shipping import Parcel, Receiver, Sender
from reslab.runs.executors.sight import Sight

# A process that lost its parent may still be saving what it did in the same folder.
FREE_SECONDS = GRACE_SECONDS + 10.0
FREE_POLL_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Order:
    """A job, and what of its files must be brought."""

    function: Callable[[Any, Locate], Any]
    job: Job[Any]
    sees_writes: bool
    """Whether its folders and files are where the job says; else they are brought and fetched."""
    brought: Parcel = field(default_factory=Parcel)
    """What its folders and files hold so far."""
    attempt: int = 0
    """How often it was lost before."""


@dataclass(frozen=True)
class Report:
    """What has become of a job since the last report."""

    parcel: Parcel
    """What it has written."""
    state: Literal["going on", "done", "failed", "lost"]
    """`lost`: its process ended before it did."""
    result: Any = None
    """What the function returned, or the error that it raised."""


class Place:
    """Carries out one job at a time in a process of its own, so that both can be watched."""

    def __init__(self) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="reslab-place-"))
        self.pool: ProcessPoolExecutor | None = None
        self.future: Future[Any] | None = None
        self.sender: Sender | None = None
        self.read: dict[Path, Path] = {}
        self.orders = 0

    def prepare(self, needed_version: str, modules: Mapping[str, bytes]) -> str:
        """Make ready for jobs.

        Args:
            needed_version: of reslab, on the machine that plans the jobs.
            modules: Python files by name, which the jobs' functions come from.

        Returns:
            The machine's name.

        Raises:
            RunError: if this machine has another version.
        """
        host = socket.gethostname()
        if version("reslab") != needed_version:
            raise RunError(
                f"{host} has reslab {version('reslab')}, this machine {needed_version}: install "
                "the same version on every node"
            )
        folder = self.scratch / "modules"
        folder.mkdir(exist_ok=True)
        for name, source in modules.items():
            (folder / f"{name}.py").write_bytes(source)
        # The processes that carry out jobs inherit the path.
        if modules and str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        return host

    def look(self, sights: Sequence[Sight]) -> list[bool]:
        """Which of the paths this machine sees as they are."""
        return [sight.path in self.read or sight.is_seen() for sight in sights]

    def begin(self, order: Order, unseen: Sequence[Path] = (), *brought: Parcel) -> None:
        """Start a job.

        Args:
            order: the job.
            unseen: what it reads and this machine does not see.
            *brought: what is in each of them.
        """
        for path, parcel in zip(unseen, brought, strict=True):
            self._keep_read(path, parcel)
        places = dict(self.read)
        self.sender = None
        if not order.sees_writes:
            places |= self._bring(order)
        job = order.job
        wait_for = job.folders if order.attempt and order.sees_writes else ()
        arguments = (order.function, job.item, Locator(places), wait_for)
        with _nameless_main():
            self.future = self._open_pool().submit(_carry_out, *arguments)

    def collect(self) -> Report:
        """How the job goes on, with what it wrote since the last call."""
        if self.future is None:
            raise RunError("no job was begun here: begin one first")
        # Looked at before its files, so that none is missed.
        over = self.future.done()
        parcel = self.sender.pack() if self.sender else Parcel()
        if not over:
            return Report(parcel, "going on")
        error = self.future.exception()
        if isinstance(error, BrokenProcessPool):
            self.pool = None
            return Report(parcel, "lost")
        outcome = self.future.result() if error is None else Failed(_portable(error))
        if isinstance(outcome, Failed):
            return Report(parcel, "failed", outcome.error)
        return Report(parcel, "done", outcome)

    def stop(self) -> None:
        """Ask the job to save its state and end."""
        stop_processes()

    def close(self) -> None:
        """End the process and remove what lies here."""
        stop_processes()
        if self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _keep_read(self, path: Path, parcel: Parcel) -> None:
        place = self.scratch / "read" / str(len(self.read)) / path.name
        place.parent.mkdir(parents=True)
        Receiver([place]).unpack(parcel)
        self.read[path] = place

    def _bring(self, order: Order) -> dict[Path, Path]:
        """Lay out what the job goes on from in a folder of its own."""
        self.orders += 1
        folder = self.scratch / f"job-{self.orders}"
        paths = (*order.job.folders, *order.job.files)
        places = {path: folder / str(i) / path.name for i, path in enumerate(paths)}
        for place in places.values():
            place.parent.mkdir(parents=True)
        Receiver(list(places.values())).unpack(order.brought)
        self.sender = Sender(list(places.values()))
        # What came from there need not go back.
        self.sender.pack()
        return places

    def _open_pool(self) -> ProcessPoolExecutor:
        if self.pool is None:
            context = multiprocessing.get_context("spawn")
            self.pool = ProcessPoolExecutor(1, context, initializer=start_worker)
        return self.pool


@contextmanager
def _nameless_main() -> Iterator[None]:
    """Within it a process that is started does not import the main module anew.

    A job's function never comes from there, and Ray's worker would bring all of Ray along.
    """
    main = vars(sys.modules["__main__"])
    file = main.pop("__file__", None)
    try:
        yield
    finally:
        if file is not None:
            main["__file__"] = file


@dataclass(frozen=True)
class Locator:
    """Says where paths of another machine are on this one."""

    places: Mapping[Path, Path]

    def __call__(self, path: Path) -> Path:
        """The place of a path that was brought, or of what lies in it; else the path itself."""
        for known in (path, *path.parents):
            if known in self.places:
                return self.places[known] / path.relative_to(known)
        return path


def _carry_out(
    function: Callable[[Any, Locate], Any], item: Any, locate: Locate, wait_for: Sequence[Path]
) -> Any:
    deadline = time.monotonic() + FREE_SECONDS
    while any(RunDirectory(path).is_being_written() for path in wait_for):
        if time.monotonic() > deadline:
            break
        time.sleep(FREE_POLL_SECONDS)
    try:
        return function(item, locate)
    except Exception as error:  # noqa: BLE001 (it is the planner who acts on it)
        return Failed(_portable(error))


def _portable(error: BaseException) -> Exception:
    """The error, or what it says where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (our own, to see whether it can be)
    except Exception:  # noqa: BLE001 (an error of any library, pickled by any code)
        return RunError(f"{type(error).__name__}: {error}")
    return error if isinstance(error, Exception) else RunError(repr(error))
