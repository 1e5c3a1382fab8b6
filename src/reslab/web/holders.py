"""Which process writes a run: the one that holds the lock of its folder."""

import os
import signal
from pathlib import Path

from reslab.errors import RunError
from reslab.runs.directory import RunDirectory

LOCKS = Path("/proc/locks")


def find_holder(path: Path) -> int | None:
    """The process that holds a lock on a file, from the system's own list (Linux).

    Returns:
        Its number; None if there is none, or the system does not tell.
    """
    try:
        status = path.stat()
        lines = LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    # `1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`; one that waits has an arrow before FLOCK.
    for words in map(str.split, lines):
        if words[1] == "FLOCK" and words[3] == "WRITE" and words[5] == device:
            return int(words[4])
    return None


def stop_run(run: RunDirectory) -> int:
    """Ask the process that writes a run to save its state and end.

    Returns:
        The process.

    Raises:
        RunError: if no process writes it, or this user may not stop the one that does.
    """
    process = find_holder(run.lock_path)
    if process is None or process <= 0:
        raise RunError(
            f"{run.path.name} is not being trained by a process that this page can find: if it is "
            "in a terminal, stop it there with Ctrl-C"
        )
    try:
        os.kill(process, signal.SIGTERM)
    except ProcessLookupError as error:
        raise RunError(f"{run.path.name} has just ended by itself") from error
    except PermissionError as error:
        raise RunError(
            f"{run.path.name} is trained by another user's process: ask them to stop it"
        ) from error
    return process
