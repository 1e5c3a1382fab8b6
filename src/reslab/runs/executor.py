"""Many runs on one machine: one process each, as many at a time as there are workers."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.queues import SimpleQueue
from types import FrameType
from typing import TypeVar

from reslab.errors import RunError
from reslab.runs.orphans import end_with_parent

Item = TypeVar("Item")
Result = TypeVar("Result")

TICK_SECONDS = 0.5
# For a run to save its state when the process that started it was killed.
GRACE_SECONDS = 20.0


class Stopped(Exception):  # noqa: N818
    """A signal ended the work; what was running has saved its state."""


def count_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def execute(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    on_tick: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Call `function` on each item in processes of their own, `workers` at a time.

    Where they take every core, each is bound to one of its own. Fewer are not: other work on the
    machine may want the same core.

    SIGINT and SIGTERM are passed on to the processes as SIGTERM, which `function` is expected to
    hear; nothing new is then started.

    Args:
        function: importable by name; its items and results can be pickled.
        items: what to do, first come first served.
        workers: processes at a time.
        on_tick: called about twice a second while the work goes on.

    Returns:
        The results in the items' order.

    Raises:
        Stopped: after a signal, once every process has ended its item.
        RunError: if a process ends before its work does.
        Exception: what `function` raised first; the other processes are stopped likewise.
    """
    waiting = deque(range(len(items)))
    results: dict[int, Result] = {}
    workers = max(1, min(workers, len(items)))
    context = multiprocessing.get_context("spawn")
    cores: SimpleQueue[int] = context.SimpleQueue()
    for core in _cores_to_bind(workers):
        cores.put(core)
    start = _start_worker
    with (
        ProcessPoolExecutor(workers, context, initializer=start, initargs=(cores,)) as pool,
        _hear_signals() as signals,
    ):
        running: dict[Future[Result], int] = {}
        try:
            while running or (waiting and not signals):
                while waiting and len(running) < workers and not signals:
                    index = waiting.popleft()
                    running[pool.submit(function, items[index])] = index
                done, _ = wait(running, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
                results |= {running.pop(future): future.result() for future in done}
                on_tick()
        except BrokenProcessPool as error:
            # What does not hear SIGTERM ends at once; that is not a failure where it was sent.
            if not signals:
                raise RunError(
                    "a process ended before its work did, killed by the system, most often for "
                    "want of memory: what had finished is kept; try again with --workers 1"
                ) from error
        except BaseException:
            _stop_processes()
            raise
    if signals:
        raise Stopped
    return [results[index] for index in range(len(items))]


def _cores_to_bind(workers: int) -> list[int]:
    """One core for each worker, or none where they are not to be bound."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    cores = sorted(os.sched_getaffinity(0))
    return cores if len(cores) == workers > 1 else []


def _start_worker(cores: "SimpleQueue[int]") -> None:
    # Ctrl-C reaches the whole group of processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(GRACE_SECONDS)
    if not cores.empty():
        os.sched_setaffinity(0, {cores.get()})


def _stop_processes() -> None:
    for process in multiprocessing.active_children():
        process.terminate()


@contextmanager
def _hear_signals() -> Iterator[list[int]]:
    """Collects the signals that came; the first one already stops the processes."""
    received: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        _stop_processes()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
