"""`reslab track`: stored runs sent to a tracker, whole or what it was not told yet."""

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import Positional

from reslab.cli.options import Flag
from reslab.cli.output import print_json, print_line, print_message
from reslab.cli.track_options import TrackOptions, TrackOptionsInPlace
from reslab.errors import ConfigError, RunError


@dataclass(frozen=True, kw_only=True)
class Track:
    """Show stored runs in TensorBoard, W&B, MLflow or trackio; also what a tracker missed.

    A run is shown as far as it has come, and nothing is shown twice.
    Examples: `reslab track out/r20 --track tensorboard`, `reslab track out/degradation --track
    wandb,mlflow` for all runs of a study.
    """

    folders: Positional[tuple[Path, ...]]
    """Folders of runs, or folders that hold runs further down."""
    options: TrackOptionsInPlace = field(default_factory=TrackOptions)
    """Where to show them."""
    json: Flag = False
    """Print one JSON object: the runs, and which trackers failed on them."""

    def run(self) -> int:
        """Send each run to each tracker; returns 1 if a tracker failed."""
        from reslab.tracking.track import send_stored  # noqa: PLC0415

        tracking = self.options.to_tracking()
        if tracking is None:
            raise ConfigError("name the trackers: --track tensorboard,wandb,mlflow,trackio")
        outcomes = {
            str(run): send_stored(run, tracking, print_message)
            for folder in self.folders
            for run in _find_runs(folder)
        }
        failed = {run: failures for run, failures in outcomes.items() if failures}
        if self.json:
            print_json({"runs": list(outcomes), "failed": failed})
        else:
            print_line(f"{len(outcomes) - len(failed)} of {len(outcomes)} runs shown")
        return 1 if failed else 0


def _find_runs(folder: Path) -> list[Path]:
    from reslab.runs.directory import CONFIG_FILE  # noqa: PLC0415

    runs = sorted(path.parent for path in folder.rglob(CONFIG_FILE))
    if not runs:
        raise RunError(f"{folder} holds no run: name the folder of a run, or one above it")
    return runs
