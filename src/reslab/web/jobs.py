"""Commands that the page has started: each goes on when the page is closed, and is watched here."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reslab.errors import RunError

MAX_RUNNING = 8
LAST_BYTES = 4_000
JobState = Literal["running", "done", "stopped", "failed"]
STOPPED_CODES = (130, -2, -15)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One command."""

    name: str
    """Of the run or study it works on; only one at a time has it."""
    process: subprocess.Popen[bytes]
    log: Path
    """What the command says."""

    @property
    def state(self) -> JobState:
        """How it stands."""
        code = self.process.poll()
        if code is None:
            return "running"
        if code in STOPPED_CODES:
            return "stopped"
        return "done" if code == 0 else "failed"

    def last_words(self, count: int = 1) -> list[str]:
        """The last lines it said."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-count:]


class Jobs:
    """Starts commands of `reslab` and remembers them; safe among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._told: set[int] = set()

    def start(self, name: str, module: str, arguments: Sequence[str], log: Path) -> Job:
        """Start `python -m MODULE ARGUMENTS` as a process that does not end with this one.

        Args:
            name: of what it works on.
            module: of reslab.
            arguments: handed over as they are; no shell sees them.
            log: file for what it says; begun anew.

        Raises:
            RunError: if one of that name or too many are running, or the log cannot be written.
        """
        with self._lock:
            running = [job.name for job in self._jobs.values() if job.state == "running"]
            if name in running:
                raise RunError(f"{name} has been started already")
            if len(running) >= MAX_RUNNING:
                raise RunError(f"{len(running)} are running already: wait for one, or stop one")
            try:
                log.parent.mkdir(parents=True, exist_ok=True)
                with log.open("wb") as output:
                    process = subprocess.Popen(  # noqa: S603
                        [sys.executable, "-m", module, *arguments],
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
            except OSError as error:
                raise RunError(f"cannot write {log.name}: {error.strerror}") from error
            self._jobs[name] = Job(name=name, process=process, log=log)
            return self._jobs[name]

    def find(self, name: str) -> Job | None:
        """The job of that name that was started last."""
        with self._lock:
            return self._jobs.get(name)

    def list(self) -> list[Job]:
        """All of them, the oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def take_failed(self) -> "Sequence[Job]":
        """Those that have failed since this was last asked."""
        with self._lock:
            failed = [job for job in self._jobs.values() if job.state == "failed"]
            news = [job for job in failed if job.process.pid not in self._told]
            self._told |= {job.process.pid for job in news}
            return news
