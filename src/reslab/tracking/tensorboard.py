"""Runs as TensorBoard event files, written by TensorBoard's own writer (without PyTorch)."""

import json
import time
from collections.abc import Sequence
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from reslab.runs.metrics import Record
from reslab.tracking.tracker import Opened, TrackedRun, name_metrics, pick_numbers

ENDINGS = {
    "finished": Status.STATUS_SUCCESS,
    "diverged": Status.STATUS_FAILURE,
    "failed": Status.STATUS_FAILURE,
}


class TensorBoard:
    """A folder of event files for each run; each time a run goes on adds a file."""

    def __init__(self) -> None:
        self.run: TrackedRun
        self.writer: EventFileWriter
        self.last_step = 0

    def begin(self, run: TrackedRun) -> Opened:
        """Add an event file; the first says with which configuration the run began."""
        self.run = run
        folder = run.folder / "tensorboard" / run.name
        is_new = run.handle is None or not folder.is_dir()
        self.writer = EventFileWriter(str(folder))
        if is_new:
            self._write_config()
        return Opened(handle=run.name, is_new=is_new)

    def record(self, records: Sequence[Record]) -> None:
        """Write a scalar for each number, and have it on disk."""
        for record in records:
            self.last_step = record["step"]
            self._write_scalars(name_metrics(record), self.last_step, self.run.time_of(record))
        self.writer.flush()

    def end(self, state: str, result: dict[str, Any]) -> None:
        """Write the last measurements, by which the HPARAMS page compares runs."""
        finals = {f"result/{name}": value for name, value in pick_numbers(result).items()}
        self._write_scalars(finals, self.last_step, time.time())
        if state in ENDINGS:
            ending = SessionEndInfo(status=ENDINGS[state], end_time_secs=time.time())
            content = HParamsPluginData(session_end_info=ending)
            value = Summary.Value(
                tag=metadata.SESSION_END_INFO_TAG,
                metadata=metadata.create_summary_metadata(content),
                tensor=metadata.NULL_TENSOR,
            )
            self._write(Summary(value=[value]), 0, time.time())
        self.writer.close()

    def describe_place(self) -> str:
        """The command that shows it."""
        return f"tensorboard --logdir {self.run.folder / 'tensorboard'}"

    def _write_config(self) -> None:
        config, begun_at = self.run.flat_config, self.run.begun_at
        simple = {
            name: value if isinstance(value, bool | int | float) else str(value)
            for name, value in config.items()
        }
        self._write(
            hparams_pb(simple, trial_id=self.run.name, start_time_secs=begun_at), 0, begun_at
        )
        text = "".join(
            f"    {line}\n" for line in json.dumps(self.run.config, indent=2).split("\n")
        )
        self._write(text_pb("config", text), 0, begun_at)

    def _write_scalars(self, metrics: dict[str, float], step: int, at: float) -> None:
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in metrics.items()]
        self._write(Summary(value=values), step, at)

    def _write(self, summary: Summary, step: int, at: float) -> None:
        self.writer.add_event(Event(summary=summary, step=step, wall_time=at))
