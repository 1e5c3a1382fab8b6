"""A tracker's process, seen from the run's."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO

from reslab.files.documents import to_document
from reslab.tracking.catalogue import NO_TELEMETRY
from reslab.tracking.order import Order
from reslab.tracking.position import locate_file

COMMAND = (sys.executable, "-P", "-m", "reslab.tracking.worker")


class TrackerProcess:
    """Started with the run, told when it ends, and given up on if it fails.

    No method raises or waits, except `wait`.

    Args:
        order: what to follow.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.log_path = locate_file(order, "log")
        self.failure_path = locate_file(order, "failed")
        self.process: subprocess.Popen[str] | None = None
        self.failure: str | None = None
        self.told_end = False
        self._messages: list[str] = []
        self._said: SimpleQueue[dict[str, str]] = SimpleQueue()
        self._listener: Thread | None = None

    def start(self) -> None:
        """Start it, and hand it its order."""
        try:
            self.log_path.parent.mkdir(parents=True, exist_ok=True)
            self.failure_path.unlink(missing_ok=True)
            with self.log_path.open("a", encoding="utf-8") as log:
                process = subprocess.Popen(  # noqa: S603
                    COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    env={**NO_TELEMETRY, **os.environ},
                    start_new_session=True,
                )
            self.process = process
            self._listener = Thread(target=_listen, args=(process.stdout, self._said), daemon=True)
            self._listener.start()
            self._write(json.dumps(to_document(self.order)))
        except (OSError, RuntimeError) as error:
            self._fail(f"its process could not be started: {error}")

    def read_messages(self) -> list[str]:
        """What there is to tell a person since the last time."""
        ended = self.process is not None and self.process.poll() is not None
        if ended and self._listener is not None:
            self._listener.join(1.0)
        with suppress(Empty):
            while True:
                self._hear(self._said.get_nowait())
        if self.process is not None and self.process.returncode and self.failure is None:
            self._fail(f"its process ended with code {self.process.returncode}")
        messages, self._messages = self._messages, []
        return messages

    def end(self, state: str) -> None:
        """Tell it how the run ended."""
        if self.process is not None and not self.told_end:
            self.told_end = True
            self._write(state)
            with suppress(OSError):
                self.process.stdin.close()  # type: ignore[union-attr]

    def wait(self, seconds: float) -> list[str]:
        """Wait until it has ended, then end it.

        Returns:
            What there is to tell a person.
        """
        if self.process is None:
            return self.read_messages()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._fail("it did not end in time and was ended")
        finally:
            self.kill()
        return self.read_messages()

    def kill(self) -> None:
        """End it and all that it has started, at once."""
        if self.process is None or self.process.poll() is not None:
            return
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()

    def _write(self, line: str) -> None:
        """A line is shorter than a pipe's buffer, so this does not wait for a reader that hangs."""
        assert self.process is not None and self.process.stdin is not None  # noqa: S101, PT018
        # A process that is gone says why by itself.
        with suppress(OSError):
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def _hear(self, said: dict[str, str]) -> None:
        if "failed" in said:
            self._fail(said["failed"])
        else:
            self._messages.append(f"{self.order.tracker}: {said['place']}")

    def _fail(self, reason: str) -> None:
        if self.failure is not None:
            return
        self.failure = reason
        self._keep_failure(reason)
        self._messages.append(
            f"tracking with {self.order.tracker} has failed, and the run goes on without it: "
            f"{reason} (log: {self.log_path}); `reslab track {self.order.run_folder} "
            f"--track {self.order.tracker} --track-dir {self.order.folder}` sends later what is "
            "missing"
        )

    def _keep_failure(self, reason: str) -> None:
        with suppress(OSError):
            self.failure_path.write_text(reason + "\n", encoding="utf-8")


def _listen(stream: IO[str], said: "SimpleQueue[dict[str, str]]") -> None:
    with stream:
        for line in stream:
            with suppress(ValueError):
                said.put(json.loads(line))
