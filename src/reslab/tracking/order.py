"""What a user asks of the trackers, and what each tracker's process is told."""

from dataclasses import dataclass
from pathlib import Path

from reslab.tracking.catalogue import check_names


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """Where runs are to be shown.

    Raises:
        ConfigError: if there is no such tracker.
    """

    trackers: tuple[str, ...]
    """Names: `tensorboard`, `wandb`, `mlflow`, `trackio`."""
    folder: str | None = None
    """Where they write; by default `trackers` in each run's folder."""
    project: str = "reslab"
    """What W&B and trackio call a project and MLflow an experiment."""
    group: str | None = None
    """The study that the runs belong to, if any."""
    shared: bool = False
    """Whether runs of the same name may meet in `folder`, so that each name gets a suffix."""

    def __post_init__(self) -> None:
        check_names(self.trackers)

    def orders_for(self, run_folder: Path) -> list["Order"]:
        """One order for each tracker."""
        folder = Path(self.folder) if self.folder else run_folder / "trackers"
        return [
            Order(
                tracker=tracker,
                run_folder=str(run_folder.absolute()),
                folder=str(folder.absolute()),
                project=self.project,
                group=self.group,
                shared=self.shared,
            )
            for tracker in self.trackers
        ]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the process of one tracker is to follow."""

    tracker: str
    run_folder: str
    folder: str
    """Where the tracker writes."""
    project: str
    group: str | None
    shared: bool
    """See `Tracking.shared`."""
