"""SIGINT and SIGTERM while many jobs go on."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def hear_signals(on_signal: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """Collects the signals that came, and calls `on_signal` at each; a third SIGINT interrupts.

    Outside the main thread, where signals cannot be caught, none are heard.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def hear(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if received.count(signal.SIGINT) > 2:
            raise KeyboardInterrupt
        on_signal()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
