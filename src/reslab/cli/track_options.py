"""Where runs are to be shown: options of the verbs that train."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from reslab.cli.options import Texts
from reslab.cli.output import print_message

if TYPE_CHECKING:
    from reslab.tracking.order import Tracking


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """Where runs are to be shown while they train."""

    track: Texts = ()
    """Trackers, separated by commas: `tensorboard`, `wandb`, `mlflow`, `trackio`. One that fails
    says so and does not stop the run."""
    track_dir: Path | None = None
    """Where the trackers write; by default `trackers` in the folder of the run or study."""
    track_project: str = "reslab"
    """What W&B and trackio call a project and MLflow an experiment."""

    def to_tracking(
        self, *, folder: Path | None = None, group: str | None = None
    ) -> "Tracking | None":
        """The options as the trackers take them; None if none is asked for.

        Args:
            folder: where they write by default; None is `trackers` in the run's folder.
            group: the study that the runs belong to.

        Raises:
            ConfigError: if there is no such tracker.
        """
        from reslab.tracking.order import Tracking  # noqa: PLC0415

        if not self.track:
            return None
        chosen = self.track_dir or folder
        return Tracking(
            trackers=self.track,
            folder=str(chosen.absolute()) if chosen else None,
            project=self.track_project,
            group=group,
            shared=self.track_dir is not None,
        )


TrackOptionsInPlace = Annotated[TrackOptions, tyro.conf.arg(name="")]
"""The options as a verb's own, without a prefix."""


def print_failures(runs_folder: Path, tracking: "Tracking | None") -> None:
    """Say once for all runs of a study which trackers gave up on them."""
    if tracking is None:
        return
    from reslab.tracking.track import find_failures  # noqa: PLC0415

    runs = sorted(path for path in runs_folder.glob("*") if path.is_dir())
    for tracker, reasons in find_failures(runs, tracking).items():
        print_message(
            f"tracking with {tracker} failed on {len(reasons)} of {len(runs)} runs, for one: "
            f"{reasons[0]}; the logs are {runs_folder}/*/trackers/{tracker}.log, and "
            f"`reslab track {runs_folder} --track {tracker} --track-dir {tracking.folder}` sends "
            "what is missing"
        )
