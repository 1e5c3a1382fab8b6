"""Runs in Weights & Biases: online where this machine has a key, else in files to send later."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import wandb

from reslab.runs.metrics import Record
from reslab.tracking.tracker import Opened, TrackedRun, name_metrics

EXIT_CODES = {"finished": 0, "stopped": 0}


class WeightsAndBiases:
    """One W&B run for each run, with the same id each time it goes on."""

    def __init__(self) -> None:
        self.run: TrackedRun
        self.theirs: wandb.Run

    def begin(self, run: TrackedRun) -> Opened:
        """Open the W&B run, under its old id if there is one."""
        self.run = run
        is_new = run.handle is None or not _has_files(run.folder, run.handle)
        handle = uuid4().hex[:12] if is_new else run.handle
        self.theirs = wandb.init(
            id=handle,
            resume="allow",
            mode=_choose_mode(),
            project=os.environ.get("WANDB_PROJECT", run.project),
            group=run.group,
            name=run.name,
            config=run.config,
            dir=run.folder,
            settings=_choose_settings(),
        )
        return Opened(handle=str(handle), is_new=is_new)

    def record(self, records: Sequence[Record]) -> None:
        """Log each record at its step; those of one step become one row."""
        for record in records:
            self.theirs.log(name_metrics(record), step=record["step"])

    def end(self, state: str, result: dict[str, Any]) -> None:
        """Put the result into the summary and wait until all is written or sent."""
        self.theirs.summary.update({**result, "state": state})
        self.theirs.finish(exit_code=EXIT_CODES.get(state, 1))

    def describe_place(self) -> str:
        """The run's address, or the command that sends it."""
        if not self.theirs.offline:
            return str(self.theirs.url)
        return f"kept offline; `wandb sync {self.run.folder}/wandb/offline-run-*` sends it"


def _has_files(folder: Path, handle: str) -> bool:
    """Whether this machine still has what was logged under a handle."""
    return any((folder / "wandb").glob(f"*run-*-{handle}"))


def _choose_mode() -> Any:
    """As the user says in WANDB_MODE; otherwise online only where that needs no question."""
    said = os.environ.get("WANDB_MODE")
    return said or ("online" if wandb.login(prompt=False) else "offline")


def _choose_settings() -> wandb.Settings:
    """Nothing of this helper process: neither its output, nor its code, nor its memory."""
    return wandb.Settings(
        silent=True,
        console="off",
        disable_code=True,
        disable_job_creation=True,
        x_stats_pid=os.getppid(),
    )
