"""Jobs in processes of this machine: as many at a time as there are workers."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue

from reslab.errors import RunError
from reslab.runs.executor import (
    TICK_SECONDS,
    Executor,
    Failed,
    Item,
    Job,
    Locate,
    Result,
    Stopped,
    call,
    in_order,
)
from reslab.runs.orphans import end_with_parent
from reslab.runs.signals import hear_signals

# For a run to save its state when the process that started it was killed.
GRACE_SECONDS = 20.0


class LocalProcesses(Executor):
    """Processes of this machine, each of which carries out one job after another.

    Where they take every core, each is bound to one of its own. Fewer are not: other work on the
    machine may want the same core. GPUs are dealt out in turn, and each process sees its own alone.

    Args:
        workers: processes at a time.
        gpus: as `CUDA_VISIBLE_DEVICES` names them; without any, processes see what this one does.
    """

    def __init__(self, workers: int = 1, gpus: Sequence[str] = ()) -> None:
        self.workers = workers
        self.gpus = tuple(gpus)

    def execute(
        self,
        function: Callable[[Item, Locate], Result],
        jobs: Sequence[Job[Item]],
        *,
        on_tick: Callable[[], None] = lambda: None,
        keep_going: bool = False,
    ) -> list[Result | Failed]:
        """See `Executor`. SIGINT and SIGTERM are passed on to the processes as SIGTERM."""
        waiting = deque(range(len(jobs)))
        outcomes: dict[int, Result | Failed] = {}
        workers = max(1, min(self.workers, len(jobs)))
        with self._open_pool(workers) as pool, hear_signals(stop_processes) as signals:
            running: dict[Future[Result], int] = {}
            try:
                while running or (waiting and not signals):
                    while waiting and len(running) < workers and not signals:
                        index = waiting.popleft()
                        running[pool.submit(call, function, jobs[index].item)] = index
                    done, _ = wait(running, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
                    for future in done:
                        outcome = _outcome_of(future, keep_going=keep_going)
                        outcomes[running.pop(future)] = outcome
                    on_tick()
            except BrokenProcessPool as error:
                # What does not hear SIGTERM ends at once; that is not a failure where it was sent.
                if not signals:
                    raise RunError(
                        "a process ended before its work did, killed by the system, most often for "
                        "want of memory: what had finished is kept; try again with --workers 1"
                    ) from error
            except BaseException:
                stop_processes()
                raise
        if signals:
            raise Stopped
        return in_order(outcomes)

    def _open_pool(self, workers: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        cores: SimpleQueue[int] = context.SimpleQueue()
        for core in _cores_to_bind(workers):
            cores.put(core)
        gpus: SimpleQueue[str] = context.SimpleQueue()
        for index in range(workers if self.gpus else 0):
            gpus.put(self.gpus[index % len(self.gpus)])
        return ProcessPoolExecutor(
            workers, context, initializer=start_worker, initargs=(cores, gpus)
        )


def _outcome_of(future: Future[Result], *, keep_going: bool) -> Result | Failed:
    error = future.exception()
    if error is None:
        return future.result()
    if keep_going and isinstance(error, Exception) and not isinstance(error, BrokenProcessPool):
        return Failed(error)
    raise error


def _cores_to_bind(workers: int) -> list[int]:
    """One core for each worker, or none where they are not to be bound."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    cores = sorted(os.sched_getaffinity(0))
    return cores if len(cores) == workers > 1 else []


def start_worker(
    cores: "SimpleQueue[int] | None" = None, gpus: "SimpleQueue[str] | None" = None
) -> None:
    """What a process does first: take its core and GPU, and end when its parent has."""
    # Ctrl-C reaches the whole group of processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(GRACE_SECONDS)
    if cores is not None and not cores.empty():
        os.sched_setaffinity(0, {cores.get()})
    if gpus is not None and not gpus.empty():
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus.get()


def stop_processes() -> None:
    """Ask the processes that this one started to save what they do, and end."""
    for process in multiprocessing.active_children():
        process.terminate()
