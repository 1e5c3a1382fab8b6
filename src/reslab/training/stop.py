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

    A handler of the caller's hears them too, so that one who carries out many runs starts no other.
    Outside the main thread, where signals cannot be caught, the flag just stays down.

    Args:
        interrupts: whether a second SIGINT does. A launcher passes on what has already reached its
            processes, and kills those that take too long.
    """
    stop = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    # An ignored SIGINT stays so: a parent process that ignores it passes its own signal on.
    handlers = {int(s): signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    before = {s: handler for s, handler in handlers.items() if handler != signal.SIG_IGN}

    def request(number: int, frame: FrameType | None) -> None:
        if interrupts and stop.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.requested = True
        hears_too = before[number]
        if callable(hears_too) and hears_too is not signal.default_int_handler:
            hears_too(number, frame)

    for number in before:
        signal.signal(number, request)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
