"""The folder that holds one run, and who may write it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from reslab.errors import RunError
from reslab.files.atomic import remove_parts
from reslab.files.documents import read_json, write_json, write_sealed_json
from reslab.files.failures import explain_os_error, is_refusal
from reslab.runs.metrics import MetricsLog, Record, read_metrics, require_ending

if sys.platform != "win32":
    import fcntl

CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.jsonl"
RESULT_FILE = "result.json"
CHECKPOINTS_FOLDER = "checkpoints"

# Longer than another process looks whether the lock is held.
LOCK_SECONDS = 1.0


class RunDirectory:
    """Where each part of a run lies.

    Args:
        path: the folder; made by `begin`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / CONFIG_FILE
        self.environment_path = path / "environment.json"
        self.metrics_path = path / METRICS_FILE
        self.checkpoints_path = path / CHECKPOINTS_FOLDER
        self.weights_path = path / "weights.safetensors"
        self.unreadable_path = path / "unreadable_images.json"
        self.result_path = path / RESULT_FILE
        self.lock_path = path / ".lock"

    @property
    def metrics(self) -> MetricsLog:
        """The log to append to."""
        return MetricsLog(self.metrics_path)

    def exists(self) -> bool:
        """Whether a run has begun here."""
        return self.config_path.is_file()

    def begin(self, config: dict[str, Any], environment: dict[str, Any]) -> None:
        """Store what the run is and where it runs.

        Raises:
            RunError: if the folder cannot be written.
        """
        try:
            self.checkpoints_path.mkdir(parents=True, exist_ok=True)
            for folder in (self.path, self.checkpoints_path):
                remove_parts(folder)
            write_json(self.environment_path, environment)
            write_sealed_json(self.config_path, config)
        except OSError as error:
            raise RunError(
                f"cannot write the run folder {self.path}: {explain_os_error(error)}"
            ) from error

    def read_config(self) -> dict[str, Any]:
        """The stored configuration.

        Raises:
            RunError: if there is no run here, or its configuration is damaged.
        """
        if not self.exists():
            raise RunError(f"{self.path} holds no run: {CONFIG_FILE} is missing")
        document = read_json(self.config_path)
        if not isinstance(document, dict) or not {"digest", "config"} <= document.keys():
            raise RunError(f"{self.config_path} is damaged: restore it, or begin another run")
        return document

    def read_metrics(self) -> list[Record]:
        """All measurements so far.

        Raises:
            RunError: if a line is damaged, or the run has ended and its last lines are lost.
        """
        records = read_metrics(self.metrics_path)
        if (result := self.read_result()) is not None:
            require_ending(records, result, self.metrics_path)
        return records

    def read_result(self) -> dict[str, Any] | None:
        """How the run ended, None while it has not.

        Raises:
            ConfigError: if the file is damaged.
            RunError: if it is not a result.
        """
        if not self.result_path.is_file():
            return None
        document = read_json(self.result_path)
        if not isinstance(document, dict):
            raise RunError(f"{self.result_path} is damaged: delete it, and resume the run")
        return document

    def is_being_written(self) -> bool:
        """Whether a process holds the lock now; False where the system cannot tell."""
        if sys.platform == "win32":
            return False
        try:
            with self.lock_path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer; the system frees the lock of a process that dies.

        Raises:
            RunError: if another process writes this run, the folder cannot be made, or the system
                refuses to write while the lock is held.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.lock_path, timeout=LOCK_SECONDS)
            lock.acquire()
        except Timeout as error:
            raise RunError(
                f"another process is writing the run in {self.path}: wait for it, stop it, or "
                "choose another folder with --out"
            ) from error
        except OSError as error:
            raise RunError(
                f"cannot write the run folder {self.path}: {explain_os_error(error)}"
            ) from error
        try:
            yield
        except OSError as error:
            if not is_refusal(error):
                raise
            raise RunError(
                f"the run in {self.path} cannot go on: {explain_os_error(error)}. What it had "
                "saved is kept; the same command with --resume goes on from there."
            ) from error
        finally:
            lock.release()
