"""What a table of runs says about each, read from its folder alone."""

import math
from dataclasses import dataclass
from os import stat_result
from pathlib import Path
from typing import Any, Literal, TypeVar

from reslab.errors import ReslabError, RunError
from reslab.files.documents import read_json
from reslab.runs.directory import RunDirectory
from reslab.runs.metrics import Record, read_latest

T = TypeVar("T")

RunState = Literal["finished", "diverged", "running", "stopped", "damaged"]
RUN_STATES: tuple[RunState, ...] = ("finished", "diverged", "running", "stopped", "damaged")

# A configuration is a few kilobytes; what is larger was not written by reslab.
MAX_DOCUMENT_BYTES = 2**20
# The one measured least often last: when it is found, so are the others.
LATEST = ("running_train_error_pct", "test_error_pct", "train_error_pct")


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """One run as it stands."""

    name: str
    """Path below the folder that was listed."""
    path: Path
    """The run's folder."""
    state: RunState
    """`running`: a process writes it now. `stopped`: none does, and it has not ended."""
    network: str | None = None
    """Name of the network; None, like all that follows, where the folder is too damaged to tell."""
    data: str | None = None
    """Name of the data set."""
    seed: int | None = None
    """What everything random follows from."""
    digest: str | None = None
    """Of the configuration; equal in runs of which one is a copy of the other."""
    step: int = 0
    """Steps measured so far."""
    steps: int | None = None
    """Steps in all."""
    running_train_error_pct: float | None = None
    """Of the net as it trained, over the last batches logged."""
    train_error_pct: float | None = None
    """Of the training set in evaluation mode, when last evaluated."""
    validation_error_pct: float | None = None
    """Of the images held out, when last evaluated."""
    test_error_pct: float | None = None
    """Of the test set, when last evaluated."""
    elapsed_seconds: float | None = None
    """Trained so far."""
    updated_at: float = 0.0
    """When one of its files last changed, in seconds since 1970."""
    problem: str | None = None
    """What is wrong with a damaged run, and what to do."""


@dataclass(frozen=True)
class RunFiles:
    """The files that a summary is made of, as they were when looked at."""

    config: stat_result
    metrics: stat_result | None
    result: stat_result | None

    @property
    def signature(self) -> tuple[tuple[int, int] | None, ...]:
        """Changes whenever one of the files does."""
        files = (self.config, self.metrics, self.result)
        return tuple(None if file is None else (file.st_mtime_ns, file.st_size) for file in files)

    @property
    def updated_at(self) -> float:
        """When the last of them changed, in seconds since 1970."""
        return max(file.st_mtime for file in (self.config, self.metrics, self.result) if file)


def summarise_run(path: Path, name: str, files: RunFiles) -> RunSummary | None:
    """Summarise one run; one that has not ended is called `stopped`, whether it is written or not.

    Args:
        path: a folder with a `config.json` in it.
        name: what to call the run.
        files: its files.

    Returns:
        The summary, or None if the configuration is not a run's and nothing else says there is one.
    """
    run = RunDirectory(path)
    try:
        return _summarise(run, name, files)
    except ReslabError as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot read {path}: {error.strerror}"
    if files.metrics is None and files.result is None and not run.lock_path.exists():
        return None
    return RunSummary(
        name=name, path=path, state="damaged", updated_at=files.updated_at, problem=problem
    )


def _summarise(run: RunDirectory, name: str, files: RunFiles) -> RunSummary:
    for path, file in ((run.config_path, files.config), (run.result_path, files.result)):
        if file is not None and file.st_size > MAX_DOCUMENT_BYTES:
            raise RunError(f"{path} is {file.st_size:,} bytes, more than any run writes")
    document = run.read_config()
    config, origin = document["config"], str(run.config_path)
    measured = _read_measured(run, ended=files.result is not None)
    return RunSummary(
        name=name,
        path=run.path,
        state=measured["state"],
        network=_take(config, str, origin, "network", "name"),
        data=_take(config, str, origin, "data", "name"),
        seed=_take(config, int, origin, "seed"),
        digest=_take(document, str, origin, "digest"),
        step=measured["step"],
        steps=_take(config, int, origin, "recipe", "steps"),
        elapsed_seconds=_number(measured.get("elapsed_seconds")),
        updated_at=files.updated_at,
        running_train_error_pct=_number(measured.get("running_train_error_pct")),
        train_error_pct=_number(measured.get("train_error_pct")),
        validation_error_pct=_number(measured.get("validation_error_pct")),
        test_error_pct=_number(measured.get("test_error_pct")),
    )


def _read_measured(run: RunDirectory, *, ended: bool) -> Record:
    """The last measurements with `step` and `state`, of the result where there is one."""
    if not ended:
        latest = read_latest(run.metrics_path, LATEST)
        return {"step": 0, **latest, "state": "stopped"}
    result, origin = read_json(run.result_path), str(run.result_path)
    state = _take(result, str, origin, "state")
    if state not in ("finished", "diverged"):
        raise RunError(f"{origin} is damaged: a run does not end as {state!r}. Delete the file.")
    return {**result, "step": _take(result, int, origin, "steps_done")}


def _take(document: Any, kind: type[T], origin: str, *keys: str) -> T:
    """The value at `keys`.

    Raises:
        RunError: if it is not there, or not of this kind.
    """
    value = document
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    # bool is an int to Python.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise RunError(
            f"{origin} is damaged: {'.'.join(keys)} is {value!r:.40}; restore the file from a copy"
        )
    return value


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None
