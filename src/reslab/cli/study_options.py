"""What `reslab study` and `reslab reproduce` share: their options, and carrying a study out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from reslab.cli.data_options import provide_data
from reslab.cli.options import Flag, Ints, Texts
from reslab.cli.progress import open_meter
from reslab.cli.track_options import TrackOptions, TrackOptionsInPlace, print_failures
from reslab.cli.where_options import WhereOptions, WhereOptionsInPlace

if TYPE_CHECKING:
    from reslab.studies.carry_out import RunStore, StudyProgress
    from reslab.studies.conduct import StudyOutcome
    from reslab.studies.setting import StudySetting
    from reslab.studies.study import Study


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """On what, for how long and over how many seeds."""

    data: Literal["digits", "cifar10", "cifar100"] = "digits"
    """Data set; `digits` is embedded."""
    data_root: Path | None = None
    """Folder of CIFAR's official binary files."""
    download: Flag = False
    """Download CIFAR into `--data-root` first, if it is not there."""
    budget: Literal["smoke", "quick", "paper"] = "quick"
    """How long each run trains: `paper` is 64,000 steps, the others scaled copies of it."""
    steps: int | None = None
    """Steps of each run, instead of a budget."""
    depths: Ints = ()
    """Depths 6n+2, separated by commas; by default the study's own."""
    seeds: int | None = None
    """Runs of each network; by default as many as suit the data set and budget."""
    width: int | None = None
    """Filters of the first stage; by default 16, and 8 on digits."""
    weights: Texts = ()
    """Files of trained classifiers to measure beside the nets trained here."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes a GPU where there is one."""
    where: WhereOptionsInPlace = field(default_factory=WhereOptions)
    """On which machines, and how many at a time."""
    tracking: TrackOptionsInPlace = field(default_factory=TrackOptions)
    """Where the runs are to be shown."""

    def setting_for(self, study: "Study") -> "StudySetting":
        """The options as a study's setting, with its own defaults."""
        from reslab.studies.setting import choose_setting  # noqa: PLC0415

        return choose_setting(
            self.data,
            self.budget,
            steps=self.steps,
            seeds=self.seeds,
            depths=self.depths or study.default_depths(self.data, self.budget),
            width=self.width,
            weights=self.weights,
        )

    def carry_out(self, study: "Study", folder: Path, store: "RunStore") -> "StudyOutcome":
        """Carry out a study in `folder`, with its runs in `store`."""
        from reslab.studies.conduct import conduct  # noqa: PLC0415
        from reslab.training.run_config import ExecutionConfig  # noqa: PLC0415

        root = provide_data(self.data, self.data_root, download=self.download)
        tracking = self.tracking.to_tracking(folder=folder / "trackers", group=study.name)
        with self.where.open(self.device) as where, open_meter(study.name) as meter:

            def show(progress: "StudyProgress") -> None:
                note = f"{progress.runs_done} of {progress.runs} runs"
                if progress.measurements:
                    note = f"{progress.measurements_done} of {progress.measurements} measured"
                meter.update(progress.steps_done, progress.steps, note)

            outcome = conduct(
                study,
                self.setting_for(study),
                folder,
                store=store,
                execution=ExecutionConfig(
                    device=where.device,
                    threads=where.threads,
                    data_root=str(root) if root else None,
                ),
                executor=where.executor,
                pack=where.pack,
                tracking=tracking,
                on_progress=show,
            )
        print_failures(store.folder, tracking)
        return outcome


StudyOptionsInPlace = Annotated[StudyOptions, tyro.conf.arg(name="")]
"""The options as a verb's own, without a prefix."""
