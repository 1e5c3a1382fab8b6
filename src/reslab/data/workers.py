"""Processes that work for this one. They end when it does, and every wait for them has an end."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

from reslab.errors import DataError, ReslabError

Task = TypeVar("Task")
Result = TypeVar("Result")

PATIENCE_SECONDS = 600.0
"""For one task: storage that takes longer is taken to hang."""

STOP_SECONDS = 5.0


class Worker(Generic[Task, Result]):
    """A process that calls one function on task after task.

    Each has a pipe of its own: a process that is killed cannot leave a lock behind which others
    wait for, and one whose master is killed reads the end of its pipe.

    Args:
        function: can be pickled, as can its tasks and results.
        prepare: called first, in the process.
    """

    def __init__(
        self, function: Callable[[Task], Result], prepare: Callable[[], None] | None = None
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, function, prepare), daemon=True
        )
        self._process.start()
        theirs.close()
        self._expected = 0
        self._unwanted = 0

    def ask(self, task: Task) -> None:
        """Give it a task.

        Raises:
            DataError: if the process has ended.
        """
        try:
            self.connection.send(task)
        except OSError as error:
            raise self._ended() from error
        self._expected += 1

    def receive(self) -> Result:
        """Wait for the result of the oldest task.

        Raises:
            ReslabError: what the function raised.
            DataError: if it raised anything else, or the process has ended or takes too long.
        """
        self.settle()
        result, error = self._receive_one()
        if isinstance(error, ReslabError):
            raise error
        if error is not None or result is None:
            raise DataError(f"reading images failed: {error!r}") from error
        return result

    def forget(self) -> None:
        """What was asked for so far is no longer wanted."""
        self._unwanted = self._expected

    def settle(self) -> None:
        """Wait until all that is no longer wanted is done.

        Raises:
            DataError: if the process has ended or takes too long.
        """
        while self._unwanted:
            self._receive_one()
            self._unwanted -= 1

    def stop(self) -> None:
        """End the process, in the middle of a task if need be."""
        self.connection.close()
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _receive_one(self) -> tuple[Result | None, Exception | None]:
        ready = wait([self.connection, self._process.sentinel], PATIENCE_SECONDS)
        if not ready:
            raise DataError(
                f"no image arrived for {PATIENCE_SECONDS:.0f} s: the storage hangs or is too slow"
            )
        try:
            if self.connection not in ready and not self.connection.poll():
                raise EOFError
            reply: tuple[Result | None, Exception | None] = self.connection.recv()
        except (EOFError, OSError) as error:
            raise self._ended() from error
        self._expected -= 1
        return reply

    def _ended(self) -> DataError:
        self._process.join(STOP_SECONDS)
        code = self._process.exitcode
        cause = (
            "it was killed, perhaps for want of memory: use fewer workers"
            if code is not None and code < 0
            else "a script that uses workers must do so below `if __name__ == '__main__':`"
        )
        return DataError(f"a process that reads images ended (exit code {code}): {cause}")


def map_in_workers(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Result]:
    """Call `function` on each task; results come as they are ready, in no certain order.

    With one worker or less it is called here, in order.

    Raises:
        ReslabError: what the function raised first.
        DataError: if a process ended.
    """
    if workers <= 1:
        yield from map(function, tasks)
        return
    waiting = iter(tasks)
    with ExitStack() as stack:
        busy: dict[Connection, Worker[Task, Result]] = {}
        for task in islice(waiting, workers):
            worker = Worker(function)
            stack.callback(worker.stop)
            worker.ask(task)
            busy[worker.connection] = worker
        while busy:
            ready = wait(list(busy), PATIENCE_SECONDS)
            # None is ready only if all hang, which the first one says.
            for connection in ready or list(busy)[:1]:
                worker = busy.pop(connection)  # type: ignore[call-overload]
                result = worker.receive()
                for task in islice(waiting, 1):
                    worker.ask(task)
                    busy[worker.connection] = worker
                yield result


def _serve(
    connection: Connection,
    function: Callable[[Task], Result],
    prepare: Callable[[], None] | None,
) -> None:
    # Ctrl-C reaches the whole group of processes; the master decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if prepare is not None:
        prepare()
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        reply: tuple[Result | None, Exception | None]
        try:
            reply = function(task), None
        except Exception as error:  # noqa: BLE001 - told to the master
            reply = None, error
        try:
            connection.send(reply)
        except OSError:
            return
