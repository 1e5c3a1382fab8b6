"""The process of one tracker: `python -m reslab.tracking.worker`.

Its standard input brings an order, then the state with which the run ended; if it closes without
one, the run's process was lost. Its standard output takes messages to that process, one JSON object
a line: `place` once the tracker is open, `failed` if it gives up. All that the tracker's package
prints goes to standard error, which is a log file. Signals are ignored: they are the run's to hear,
and this process ends when the run has.
"""

import json
import os
import signal
import sys
import traceback
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO

from reslab.files.documents import from_document
from reslab.tracking.catalogue import open_tracker
from reslab.tracking.follow import follow
from reslab.tracking.order import Order

IGNORED = (signal.SIGINT, signal.SIGTERM)
NICENESS = 5


def main() -> int:
    """Track one run; returns the exit code."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(os, "nice"):
        # The run comes first.
        os.nice(NICENESS)
    messages = _take_stdout()
    order = from_document(json.loads(sys.stdin.readline()), Order, "the order on standard input")
    ending: SimpleQueue[str] = SimpleQueue()
    Thread(target=lambda: ending.put(sys.stdin.readline().strip() or "lost"), daemon=True).start()
    try:
        tracker = open_tracker(order.tracker)
        follow(
            tracker,
            order,
            lambda seconds: _wait(ending, seconds),
            lambda place: _say(messages, "place", place),
        )
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        _say(messages, "failed", _explain(error, order.tracker))
        return 1
    return 0


def _take_stdout() -> IO[str]:
    """Standard output for messages alone; what else is printed goes to standard error."""
    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return messages


def _wait(ending: "SimpleQueue[str]", seconds: float) -> str | None:
    try:
        return ending.get(timeout=seconds)
    except Empty:
        return None


def _say(messages: IO[str], kind: str, text: str) -> None:
    messages.write(json.dumps({kind: text}) + "\n")
    messages.flush()


def _explain(error: Exception, tracker: str) -> str:
    if isinstance(error, ImportError):
        return f'its package is not installed ({error}): pip install "reslab[{tracker}]"'
    first_line = str(error).strip().split("\n", 1)[0]
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Whatever a package would still wait for at exit has had its time.
    os._exit(code)
