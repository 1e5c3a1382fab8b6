"""A process that does not outlive the one that started it, however that one ended."""

import multiprocessing
import os
import signal
import threading
import time


def end_with_parent(grace_seconds: float = 0.0) -> None:
    """Watch the parent process from now on, and end when it is gone.

    Args:
        grace_seconds: time to save what is being done after a SIGTERM; without any, the end is at
            once.
    """
    threading.Thread(target=_watch, args=(grace_seconds,), daemon=True).start()


def _watch(grace_seconds: float) -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    if grace_seconds:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_seconds)
    os._exit(1)
