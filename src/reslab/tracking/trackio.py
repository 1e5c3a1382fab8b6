"""Runs in trackio, on this machine; or in the Space or server that trackio's own variables name."""

import os
import warnings
from collections.abc import Sequence
from typing import Any

from reslab.runs.metrics import Record
from reslab.tracking.tracker import Opened, TrackedRun, name_metrics, pick_numbers


class Trackio:
    """One trackio run for each run, opened again by its name each time it goes on."""

    def __init__(self) -> None:
        self.run: TrackedRun
        self.theirs: Any
        self.complaints: list[str] = []

    def begin(self, run: TrackedRun) -> Opened:
        """Open the run. trackio reads where to write as it is imported, so that is done here."""
        self.run = run
        os.environ.setdefault("TRACKIO_DIR", str(run.folder / "trackio"))
        self._hear_complaints()
        if run.handle is not None:
            try:
                self.theirs = self._open("must")
            except ValueError:
                # Another folder, or deleted there.
                pass
            else:
                return Opened(handle=run.name, is_new=False)
        self.theirs = self._open("never")
        return Opened(handle=run.name, is_new=True)

    def record(self, records: Sequence[Record]) -> None:
        """Log each record at its step."""
        for record in records:
            self.theirs.log(name_metrics(record), step=record["step"])
        self._raise_complaint()

    def end(self, state: str, result: dict[str, Any]) -> None:
        """Log the result, and wait until all is written."""
        finals = {f"result/{name}": value for name, value in pick_numbers(result).items()}
        self.theirs.log({**finals, "state": state}, step=result.get("steps_done"))
        self.theirs.finish()
        self._raise_complaint()

    def describe_place(self) -> str:
        """The command that shows it."""
        folder = os.environ["TRACKIO_DIR"]
        return f'TRACKIO_DIR={folder} trackio show --project "{self.run.project}"'

    def _open(self, resume: str) -> Any:
        import trackio  # noqa: PLC0415

        return trackio.init(
            self.run.project,
            name=self.run.name,
            group=self.run.group,
            config=self.run.flat_config,
            resume=resume,
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def _hear_complaints(self) -> None:
        """Keep what trackio warns of: that is how it says that it could not write."""
        show = warnings.showwarning

        def hear(message: Warning | str, *arguments: Any, **options: Any) -> None:
            if "trackio" in str(message).lower():
                self.complaints.append(str(message))
            show(message, *arguments, **options)

        warnings.showwarning = hear

    def _raise_complaint(self) -> None:
        if self.complaints:
            raise RuntimeError(self.complaints[0])
