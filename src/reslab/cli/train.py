"""`reslab train`: one network, trained once."""

from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from reslab.cli.data_options import provide_data
from reslab.cli.options import Flag
from reslab.cli.output import print_json, print_line, print_message
from reslab.cli.progress import describe_record, open_meter
from reslab.cli.track_options import TrackOptions, TrackOptionsInPlace
from reslab.cli.train_sharing import Sharing, plan_sharing
from reslab.errors import ReslabError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reslab.training.loop import Observer
    from reslab.training.result import RunResult
    from reslab.training.run_config import ExecutionConfig, RunConfig


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train a network by the paper's recipe, scaled to a budget; stop and resume at will.

    Examples: `reslab train resnet20 --data digits --budget quick --out out/r20`,
    `reslab train plain56 --data cifar10 --data-root DIR --budget paper --out out/p56 --resume`,
    `reslab train resnet50 --data photos/ --weights resnet50.safetensors --out out/mine`.
    """

    name: Positional[str]
    """A network: `resnet20`, `plain56`, any other 6n+2; `resnet50`."""
    out: Path
    """Folder of the run: configuration, measurements, checkpoints, weights."""
    data: str = "digits"
    """`digits` (embedded), `cifar10`, `cifar100`; or images of your own: a folder with one folder
    for each class (in `train` and `val`, or together), a CSV or Parquet file of paths and labels,
    WebDataset shards (a file, a pattern, a URL), or a folder of Hugging Face's `datasets`."""
    data_root: Path | None = None
    """Folder of CIFAR's official binary files; of a table's images, if not beside it."""
    cache: Path | None = None
    """Where shards at a URL are copied to."""
    download: Flag = False
    """Download CIFAR into `--data-root` first, if it is not there."""
    recipe: Literal["paper", "modern", "fine-tune"] | None = None
    """For images of your own: §3.4, what is usual now, or a new head on trained weights; by default
    fine-tune where weights are given, else paper."""
    weights: Path | None = None
    """A weights file to start from, for images of your own."""
    budget: Literal["smoke", "quick", "paper"] | None = None
    """How long to train: `paper` is 64,000 steps, or the whole recipe on images of your own; the
    others are scaled copies. By default quick, and paper on images of your own."""
    epochs: float | None = None
    """Passes over images of your own, instead of a budget."""
    steps: int | None = None
    """Number of steps, instead of a budget; the milestones move in proportion."""
    seed: int = 0
    """Decides weights, order and augmentation; on a CPU the same seed gives the same bits."""
    resume: Flag = False
    """Go on with the run in `--out`, or start it if there is none."""
    shortcut: str | None = None
    """A (the default), A-split, B or C."""
    width: int | None = None
    """Filters of the first stage; 16 by default."""
    image_size: int | None = None
    """Height and width of what a network is shown of images of your own; 224 by default, 32 for
    the CIFAR nets."""
    frozen_stages: int | None = None
    """Stem and so many stages keep the weights they start with; none by default."""
    validation_count: int = 0
    """Training images held out to validate; the paper holds out 5000 of CIFAR-10's."""
    validation_fraction: float = 0.1
    """What is held out of each class of images of your own that have neither val nor test."""
    split_seed: int = 0
    """Decides which."""
    max_broken_share: float = 0.01
    """A run stops when a larger share of your images cannot be read."""
    workers: int | None = None
    """Processes that decode images of your own; one a core by default."""
    batch_size: int | None = None
    """Images in each update; 128 by default."""
    batch_parts: int | None = None
    """Parts of each batch with BN statistics of their own: 1 by default, 2 on the paper's GPUs."""
    learning_rate: float | None = None
    """Before the first milestone; 0.1 by default."""
    weight_decay: float | None = None
    """1e-4 by default."""
    decayed: Literal["all", "weights"] | None = None
    """What decays: all parameters (the default), or only weights, sparing BN and biases."""
    precision: Literal["float32", "tf32", "bfloat16"] | None = None
    """In which numbers the step multiplies; float32 by default, the others are faster on a GPU."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes a GPU where there is one."""
    threads: int | None = None
    """CPU threads of each rank; with one rank PyTorch's choice by default."""
    ranks: int | None = None
    """Processes that share the run on a CPU; by default as many as cores and batch parts allow."""
    gpus: int | None = None
    """Processes that share the run, one on each of so many GPUs of this machine. For several
    machines, or elastic numbers of them, start reslab by torchrun instead."""
    bn: Literal["synchronised", "local"] | None = None
    """Over which images BN's statistics are when processes share a run: `synchronised` over all of
    a batch, which is what one process measures; `local`, each process over its own. They are
    --batch-parts 1 and --batch-parts N; the recipe's parts by default."""
    restarts: int | None = None
    """How often all processes start anew from the last checkpoint when one is lost; 3 with --gpus,
    else none."""
    compile: Literal["auto", "never", "always"] = "auto"
    """Compile the training step; `auto` does where it pays back within the run."""
    recompute: Literal["auto", "never", "always"] = "auto"
    """Compute blocks anew for the backward pass instead of keeping them: less memory, more time,
    the same bits; auto does on a GPU where they would not fit."""
    capture: Literal["auto", "never", "always"] = "auto"
    """Record the training step as a CUDA graph and replay it; `auto` does on a CUDA GPU."""
    profile: Flag = False
    """Measure first where the time of a step goes, by layer and by kind, into `--out`/profile."""
    tracking: TrackOptionsInPlace = field(default_factory=TrackOptions)
    """Where the run is to be shown."""
    json: Flag = False
    """Print the result as one JSON object."""

    def run(self) -> int:
        """Train, and print how it ended."""
        from reslab.training.launch import find_launch  # noqa: PLC0415

        launch = find_launch()
        if launch is not None and launch.rank > 0:
            return self._follow(speaks=launch.local_rank == 0)
        config = self.plan()
        if self.profile:
            self._profile(config)
        result = self._train(config)
        if self.json:
            print_json({**asdict(result), "out": str(self.out)})
        else:
            _print_result(result, self.out)
        return 130 if result.state == "stopped" else 0

    @contextmanager
    def observe(self) -> "Iterator[Observer]":
        """Show how the run goes on, on stderr and in the trackers asked for."""
        from reslab.tracking.track import track  # noqa: PLC0415
        from reslab.training.loop import Observer  # noqa: PLC0415

        latest: dict[str, Any] = {}
        tracking = self.tracking.to_tracking()
        with track(self.out, tracking, print_message) as trackers, open_meter(self.name) as meter:

            def on_step(done: int, total: int) -> None:
                meter.update(done, total, describe_record(latest))
                trackers.follow()

            yield Observer(on_step=on_step, on_record=latest.update, on_message=print_message)

    def _train(self, config: "RunConfig") -> "RunResult":
        from reslab.training.loop import train  # noqa: PLC0415

        restarts = self._share().restarts
        if restarts is not None:
            from reslab.training.launcher import launch_training  # noqa: PLC0415

            return launch_training(
                config, self.out, restarts=restarts, resume=self.resume, watch=self.observe
            )
        with self.observe() as observer:
            return train(config, self.out, resume=self.resume, observer=observer)

    def _follow(self, *, speaks: bool) -> int:
        """Be one of several launched processes, whose first one prints for all."""
        from reslab.training.loop import train  # noqa: PLC0415
        from reslab.training.ranks import RankLostError, ToldError  # noqa: PLC0415

        try:
            config = self.plan()
        except ReslabError as error:
            # What is wrong with an option is wrong on every process of the machine.
            if speaks:
                raise
            return error.exit_code
        try:
            result = train(config, self.out, resume=self.resume)
        except (RankLostError, ToldError) as error:
            return error.exit_code
        return 130 if result.state == "stopped" else 0

    def _profile(self, config: "RunConfig") -> None:
        from reslab.cli.train_profile import print_profile  # noqa: PLC0415
        from reslab.training.profiling import profile_run  # noqa: PLC0415

        profile = profile_run(config, self.out / "profile")
        if not self.json:
            print_profile(profile)

    def plan(self) -> "RunConfig":
        """The run, resolved to the last default.

        Raises:
            ReslabError: if an option is out of range, or the data cannot be read.
        """
        from reslab.data.config import DATASET_NAMES  # noqa: PLC0415

        return self._plan_named() if self.data in DATASET_NAMES else self._plan_images()

    def _plan_named(self) -> "RunConfig":
        from reslab.data.config import DataConfig  # noqa: PLC0415
        from reslab.training.plan import plan_network, plan_run  # noqa: PLC0415
        from reslab.training.recipe import budget_steps  # noqa: PLC0415

        self._refuse_image_options()
        root = provide_data(self.data, self.data_root, download=self.download)
        data = DataConfig(name=self.data, validation_count=self.validation_count)
        steps = self.steps
        if steps is None:
            steps = budget_steps(self.data, self.budget or "quick")
        return plan_run(
            plan_network(self.name, data, shortcut=self.shortcut, width=self.width),
            data,
            steps=steps,
            seed=self.seed,
            execution=replace(self._plan_execution(), data_root=str(root) if root else None),
            recipe_changes=self._list_changes(),
        )

    def _refuse_image_options(self) -> None:
        from reslab.errors import ConfigError  # noqa: PLC0415

        names = ("recipe", "weights", "epochs", "image_size", "cache", "workers")
        given = [name for name in names if getattr(self, name) is not None]
        if given:
            raise ConfigError(
                f"--{given[0].replace('_', '-')} is for images of your own: give their folder, "
                f"table or shards with --data, not {self.data}"
            )

    def _plan_images(self) -> "RunConfig":
        from reslab.training.image_plan import ImageRunOptions, plan_image_run  # noqa: PLC0415

        execution = replace(
            self._plan_execution(),
            data_root=None if self.data_root is None else str(self.data_root),
            data_cache=None if self.cache is None else str(self.cache),
            workers=self.workers,
            max_broken_share=self.max_broken_share,
        )
        options = ImageRunOptions(
            recipe=self.recipe,
            weights=self.weights,
            budget=self.budget,
            epochs=self.epochs,
            steps=self.steps,
            shortcut=self.shortcut,
            width=self.width,
            image_size=self.image_size,
            validation_fraction=self.validation_fraction,
            split_seed=self.split_seed,
            recipe_changes=self._list_changes(),
        )
        return plan_image_run(self.name, self.data, options, seed=self.seed, execution=execution)

    def _plan_execution(self) -> "ExecutionConfig":
        from reslab.training.run_config import ExecutionConfig  # noqa: PLC0415

        sharing = self._share()
        return ExecutionConfig(
            device=sharing.device,
            threads=self.threads,
            ranks=sharing.ranks,
            compile=self.compile,
            recompute=self.recompute,
            capture=self.capture,
        )

    def _list_changes(self) -> dict[str, Any]:
        names = (
            "batch_size", "learning_rate", "weight_decay", "decayed", "precision", "frozen_stages",
        )  # fmt: skip
        changes = {name: getattr(self, name) for name in names}
        changes["batch_parts"] = self._share().batch_parts
        return {name: value for name, value in changes.items() if value is not None}

    def _share(self) -> Sharing:
        return plan_sharing(
            device=self.device,
            gpus=self.gpus,
            ranks=self.ranks,
            restarts=self.restarts,
            bn=self.bn,
            batch_parts=self.batch_parts,
        )


def _print_result(result: "RunResult", out: Path) -> None:
    endings = {
        "finished": f"finished after {result.steps_done:,} steps",
        "diverged": f"diverged: the loss was no longer a number at step {result.steps_done:,}",
        "stopped": f"stopped at step {result.steps_done:,}; the same command with --resume goes on",
    }
    print_line(f"{result.network} (seed {result.seed}): {endings[result.state]}")
    errors = {
        "training error": result.train_error_pct,
        "validation error": result.validation_error_pct,
        "test error": result.test_error_pct,
    }
    for name, error_pct in errors.items():
        if error_pct is not None:
            print_line(f"  {name:<17}{error_pct:6.2f} %")
    print_line(f"  {'speed':<17}{result.images_per_second:,.0f} images/s, evaluations included")
    if result.waited_for_images_pct:
        print_line(f"  {'waiting':<17}{result.waited_for_images_pct:6.2f} % of it for images")
    print_line(f"  {'kept in':<17}{out}")
