"""SIGINT and SIGTERM as a wish to stop, heard between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class StopSignal:
    """Whether a signal asked the run to stop."""

    requested: bool = False


@contextmanager
def stop_on_signals(*, interrupts: bool = True) -> Iterator[StopSignal]:
    """Within it SIGINT and SIGTERM set the flag; a second SIGINT interrupts at once.

    Outside the main thread, where signals cannot be caught, the flag just stays down.

    Args:
        interrupts: whether a second SIGINT does. A launcher passes on what has already reached its
            processes, and kills those that take too long.
    """
    stop = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, _frame: FrameType | None) -> None:
        if interrupts and stop.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.requested = True

    # An ignored SIGINT stays so: a parent process that ignores it passes its own signal on.
    caught = [s for s in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(s) != signal.SIG_IGN]
    before = {number: signal.signal(number, request) for number in caught}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
