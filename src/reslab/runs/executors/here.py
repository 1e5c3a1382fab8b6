"""Jobs one after another in this process: for debugging, and where no other may be started."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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
)
from reslab.runs.signals import hear_signals


class ThisProcess(Executor):
    """Carries out one job at a time; progress is told from a thread beside it."""

    def execute(
        self,
        function: Callable[[Item, Locate], Result],
        jobs: Sequence[Job[Item]],
        *,
        on_tick: Callable[[], None] = lambda: None,
        keep_going: bool = False,
    ) -> list[Result | Failed]:
        """See `Executor`."""
        outcomes: list[Result | Failed] = []
        with hear_signals() as signals, _ticking(on_tick):
            for job in jobs:
                try:
                    outcomes.append(call(function, job.item))
                except Exception as error:
                    if not keep_going:
                        raise
                    outcomes.append(Failed(error))
                if signals:
                    raise Stopped
        return outcomes


@contextmanager
def _ticking(on_tick: Callable[[], None]) -> Iterator[None]:
    over = threading.Event()

    def tick() -> None:
        while not over.wait(TICK_SECONDS):
            on_tick()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
