"""`reslab study`: an experiment of the paper, from its runs to its page."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from reslab.cli.data_options import provide_data
from reslab.cli.options import Flag, Ints
from reslab.cli.output import print_json, print_line, print_message, print_table
from reslab.cli.progress import open_meter

if TYPE_CHECKING:
    from reslab.studies.carry_out import StudyProgress
    from reslab.studies.degradation import DegradationPlan, DegradationResult


@dataclass(frozen=True, kw_only=True)
class Study:
    """Carry out an experiment of the paper: train its networks, compare, and write a page.

    Runs that have finished are reused and stopped ones resumed, so the same command can be given
    again at any time. Example: `reslab study degradation --data digits --out out/degradation`.
    """

    name: Positional[Literal["degradation"]]
    """The study: `degradation` (Fig. 1, 4, 6) trains plain and residual nets of several depths."""
    out: Path = Path("out/degradation")
    """Folder of the study: runs, `results.json`, figures, `report.html`."""
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
    depths: Ints = (20, 56)
    """Depths 6n+2, separated by commas."""
    seeds: int | None = None
    """Runs of each network; by default as many as suit the data set and budget."""
    width: int | None = None
    """Filters of the first stage; by default 16, and 8 on digits."""
    workers: int | None = None
    """Runs at a time: by default one a CPU core, or one on a GPU."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes a GPU where there is one."""
    json: Flag = False
    """Print the result as one JSON object."""

    def run(self) -> int:
        """Carry out the study, write its page and print the verdict."""
        from reslab.report.degradation_page import write_report  # noqa: PLC0415
        from reslab.runs.executor import Stopped  # noqa: PLC0415
        from reslab.studies.degradation import plan_degradation  # noqa: PLC0415

        plan = plan_degradation(
            self.data,
            self.budget,
            steps=self.steps,
            depths=self.depths,
            seeds=self.seeds,
            width=self.width,
        )
        try:
            result = self._study(plan)
        except Stopped:
            print_message(f"stopped; the same command goes on from there (runs in {self.out})")
            return 130
        page = write_report(result, self.out)
        if self.json:
            print_json({**result.to_document(), "report": str(page)})
        else:
            print_study(result, page)
        return 0

    def _study(self, plan: "DegradationPlan") -> "DegradationResult":
        from reslab.runs.executor import count_cores  # noqa: PLC0415
        from reslab.studies.degradation import study_degradation  # noqa: PLC0415
        from reslab.training.run_config import ExecutionConfig  # noqa: PLC0415
        from reslab.training.start import find_device  # noqa: PLC0415

        root = provide_data(self.data, self.data_root, download=self.download)
        device = find_device(self.device)
        execution = ExecutionConfig(
            device=str(device), threads=1, data_root=str(root) if root else None
        )
        workers = self.workers or (count_cores() if device.type == "cpu" else 1)
        with open_meter("degradation") as meter:

            def show(progress: "StudyProgress") -> None:
                note = f"{progress.runs_done} of {progress.runs} runs"
                meter.update(progress.steps_done, progress.steps, note)

            return study_degradation(
                plan, self.out, execution=execution, workers=workers, on_progress=show
            )


def print_study(result: "DegradationResult", page: Path) -> None:
    """Print the table of final errors and the verdict."""
    from reslab.studies.degradation_words import explain  # noqa: PLC0415

    columns = ["network", "seeds", "training error %", "test error %"]
    rows = [
        [
            errors.network,
            errors.train_error_pct.n,
            errors.train_error_pct.to_text(),
            errors.test_error_pct.to_text(),
        ]
        for errors in result.networks
    ]
    print_table(
        f"Final errors on {result.plan.data} after {result.plan.steps:,} steps", columns, rows
    )
    print_line(f"\nverdict: {result.verdict}\n{explain(result)}\n\npage: {page}")
