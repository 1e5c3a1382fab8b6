"""Runs in MLflow: on the server that MLFLOW_TRACKING_URI names, else in an SQLite file."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from reslab.runs.metrics import Record
from reslab.tracking.tracker import Opened, TrackedRun, name_metrics, pick_numbers

Item = TypeVar("Item")

# Of one request, set by MLflow.
MAX_PARAMS, MAX_METRICS, MAX_PARAM_LENGTH = 100, 1_000, 6_000
STATUSES = {"finished": "FINISHED", "stopped": "KILLED"}


class MLflow:
    """One MLflow run for each run, opened again each time it goes on."""

    def __init__(self) -> None:
        self.run: TrackedRun
        self.address: str
        self.client: MlflowClient
        self.id: str

    def begin(self, run: TrackedRun) -> Opened:
        """Open the run in the experiment of its project; its configuration becomes parameters."""
        self.run = run
        folder = run.folder / "mlflow"
        self.address = os.environ.get("MLFLOW_TRACKING_URI") or _make_store(folder)
        # Several runs of a study come at once, and the first makes tables and experiment.
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            self.client = MlflowClient(tracking_uri=self.address)
            experiment = self._find_experiment(folder)
        known = self._find_run(run.handle)
        if known is not None:
            self.client.update_run(known.info.run_id, status="RUNNING")
        self.id = (known or self._create_run(experiment)).info.run_id
        return Opened(handle=self.id, is_new=known is None)

    def record(self, records: Sequence[Record]) -> None:
        """Log all numbers; what is logged twice is kept once, as its time is the record's."""
        metrics = (
            Metric(name, value, int(1000 * self.run.time_of(record)), record["step"])
            for record in records
            for name, value in name_metrics(record).items()
        )
        for batch in _batches(metrics, MAX_METRICS):
            self.client.log_batch(self.id, metrics=batch)

    def end(self, state: str, result: dict[str, Any]) -> None:
        """Log the result and close the run."""
        at = int(1000 * (self.run.begun_at + result.get("elapsed_seconds", 0.0)))
        step = result.get("steps_done", 0)
        metrics = [
            Metric(f"result/{name}", value, at, step)
            for name, value in pick_numbers(result).items()
        ]
        self.client.log_batch(self.id, metrics=metrics, tags=[RunTag("state", state)])
        self.client.set_terminated(self.id, status=STATUSES.get(state, "FAILED"))

    def describe_place(self) -> str:
        """The command that shows it, or the server."""
        if self.address.startswith("http"):
            return self.address
        return f"mlflow ui --backend-store-uri {self.address}"

    def _find_experiment(self, folder: Path) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", self.run.project)
        known = self.client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        is_local = self.address.startswith("sqlite")
        artifacts = (folder / "artifacts").absolute().as_uri() if is_local else None
        return str(self.client.create_experiment(name, artifact_location=artifacts))

    def _find_run(self, handle: str | None) -> Run | None:
        if handle is None:
            return None
        try:
            return self.client.get_run(handle)
        except MlflowException:
            # Another store, or deleted there.
            return None

    def _create_run(self, experiment: str) -> Run:
        tags = {"group": self.run.group} if self.run.group else {}
        begun_ms = int(1000 * self.run.begun_at)
        created = self.client.create_run(experiment, begun_ms, tags, run_name=self.run.name)
        params = (
            Param(name, str(value)[:MAX_PARAM_LENGTH])
            for name, value in self.run.flat_config.items()
        )
        for batch in _batches(params, MAX_PARAMS):
            self.client.log_batch(created.info.run_id, params=batch)
        return created


def _make_store(folder: Path) -> str:
    return f"sqlite:///{(folder / 'mlflow.db').absolute()}"


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
