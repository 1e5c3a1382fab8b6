"""What a study is asked to do: on which data, for how long, over how many seeds."""

from dataclasses import dataclass, replace
from typing import Any

from reslab.data.config import DATASET_SHAPES, DataConfig
from reslab.errors import ConfigError
from reslab.networks.config import NetworkConfig
from reslab.training.plan import plan_network, plan_run
from reslab.training.recipe import BATCH_SIZE, Budget, budget_steps
from reslab.training.run_config import RunConfig

# On digits a first stage of 8 filters, half the paper's 16: see docs/log.md.
DEFAULT_WIDTH = {"digits": 8}
# Without the crop the few digits are learned within seconds rather than minutes.
RECIPE_CHANGES: dict[str, dict[str, Any]] = {"digits": {"crop_padding": 0}}
DEFAULT_SEEDS: dict[str, dict[Budget, int]] = {
    "digits": {"smoke": 2, "quick": 5, "paper": 3},
    "cifar10": {"smoke": 2, "quick": 3, "paper": 5},
    "cifar100": {"smoke": 2, "quick": 3, "paper": 5},
}

# A net that has seen each image only a few times has not been trained on them: its training error
# says how fast it starts, and deeper nets, residual ones too, start more slowly.
MIN_EPOCHS = 10

# Beyond all use; a damaged or hostile file does not keep a computer busy for days.
MAX_STEPS = 1_000_000_000
MAX_SEEDS = 1000
MAX_DEPTH = 10_000


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run of a study."""

    label: str
    """What it is called in tables; runs of one label differ in their seed alone."""
    config: RunConfig


@dataclass(frozen=True, kw_only=True)
class StudySetting:
    """What a study is asked to do; with the study itself it determines every run."""

    data: str = "digits"
    """Data set."""
    budget: Budget | None = None
    """Name of the budget; None where `steps` were given instead."""
    steps: int
    """Steps of every run."""
    seeds: int = 3
    """Runs of each net, with the seeds 0, 1, …; with none, only given weights are measured."""
    depths: tuple[int, ...] = ()
    """Depths of the nets; empty in studies that have fixed ones."""
    width: int | None = None
    """Filters of the first stage; None is the paper's 16."""
    weights: tuple[str, ...] = ()
    """Files of trained classifiers to be measured beside the nets trained here."""

    def __post_init__(self) -> None:
        if self.data not in DATASET_SHAPES:
            known = ", ".join(DATASET_SHAPES)
            raise ConfigError(f"unknown data set {self.data!r}: choose one of {known}")
        if not 1 <= self.steps <= MAX_STEPS:
            raise ConfigError(f"steps must be from 1 to {MAX_STEPS:,}, got {self.steps:.6g}")
        if self.seeds > MAX_SEEDS or max(self.depths, default=0) > MAX_DEPTH:
            raise ConfigError(
                f"{self.seeds} seeds and depths {self.depths}: a study has at most {MAX_SEEDS} "
                f"seeds and nets of at most {MAX_DEPTH} layers"
            )
        if len(set(self.depths)) != len(self.depths):
            raise ConfigError(f"depths must be given once each, got {self.depths}")
        if self.seeds < 1 and not self.weights:
            raise ConfigError(f"seeds is {self.seeds}, must be at least 1")

    @property
    def epochs(self) -> float:
        """How often each training image is seen."""
        return self.steps * BATCH_SIZE / DATASET_SHAPES[self.data].train_count

    @property
    def is_too_short(self) -> bool:
        """Whether nets trained so briefly support no verdict."""
        return self.epochs < MIN_EPOCHS

    @property
    def follows_paper(self) -> bool:
        """Whether data, length and width are the paper's, so that its numbers may be compared."""
        return self.data == "cifar10" and self.budget == "paper" and self.width in (None, 16)

    def plan_network(self, name: str, *, shortcut: str | None = None) -> NetworkConfig:
        """The network `name` for this data set, with this width.

        Raises:
            ConfigError: if there is no such network.
        """
        data = DataConfig(name=self.data)
        return plan_network(name, data, shortcut=shortcut, width=self.width)

    def plan_seeds(
        self, network: str | NetworkConfig, *, label: str | None = None, **recipe_changes: Any
    ) -> list[PlannedRun]:
        """One network's runs, one for each seed.

        Args:
            network: a name of the catalogue, or the network itself.
            label: what it is called in tables; its name by default.
            **recipe_changes: fields of `Recipe` to set apart from this data set's.

        Raises:
            ConfigError: if there is no such network, or a value is out of range.
        """
        config = self.plan_network(network) if isinstance(network, str) else network
        runs = [
            plan_run(
                config,
                DataConfig(name=self.data),
                steps=self.steps,
                seed=seed,
                recipe_changes={**RECIPE_CHANGES.get(self.data, {}), **recipe_changes},
            )
            for seed in range(self.seeds)
        ]
        return [PlannedRun(label=label or config.name, config=run) for run in runs]


def choose_setting(
    data: str,
    budget: Budget,
    *,
    steps: int | None = None,
    seeds: int | None = None,
    depths: tuple[int, ...] = (),
    width: int | None = None,
    weights: tuple[str, ...] = (),
) -> StudySetting:
    """Fill in a budget's steps, and the seeds and width that suit the data set."""
    setting = StudySetting(
        data=data,
        budget=budget if steps is None else None,
        steps=budget_steps(data, budget) if steps is None else steps,
        seeds=DEFAULT_SEEDS[data][budget] if seeds is None else seeds,
        depths=depths,
        weights=weights,
    )
    return replace(setting, width=DEFAULT_WIDTH.get(data) if width is None else width)
