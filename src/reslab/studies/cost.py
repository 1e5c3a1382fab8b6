"""What a study costs, by formula, before anything is trained."""

from dataclasses import dataclass

from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.studies.conduct import plan_runs
from reslab.studies.setting import choose_setting
from reslab.studies.study import Study
from reslab.training.compiling import MACS_PER_CORE_SECOND
from reslab.training.recipe import Budget
from reslab.training.run_config import RunConfig


@dataclass(frozen=True, kw_only=True)
class StudyCost:
    """Runs of a study that no other has made, and the arithmetic in them."""

    runs: int
    measurements: int
    """Of its nets, some of which train a little themselves."""
    macs: float
    """Multiply-adds of the runs' training steps."""

    @property
    def core_hours(self) -> float:
        """Of one CPU core at the rate by which compiling is decided; a rough figure."""
        return self.macs / MACS_PER_CORE_SECOND / 3600

    def to_text(self) -> str:
        """`20 runs, 0.1 h, 3 measurements`."""
        hours = f"{self.core_hours:.1f}" if self.core_hours < 100 else f"{self.core_hours:,.0f}"
        measured = f", {self.measurements} measurements" if self.measurements else ""
        return f"{self.runs} runs, {hours} h{measured}"


def estimate_cost(study: Study, data: str, budget: Budget) -> StudyCost:
    """What a study's training costs at a budget."""
    setting = choose_setting(data, budget, depths=study.default_depths(data, budget))
    runs = {run.config.digest: run.config for run in plan_runs(study, setting)}
    macs: dict[NetworkConfig, int] = {}
    return StudyCost(
        runs=len(runs),
        measurements=len(study.plan_measurements(setting)),
        macs=sum(_macs(config, macs) for config in runs.values()),
    )


def _macs(config: RunConfig, known: dict[NetworkConfig, int]) -> float:
    if config.network not in known:
        known[config.network] = describe_network(config.network).macs
    # Forward, gradients of the inputs, gradients of the weights.
    return 3.0 * known[config.network] * config.recipe.batch_size * config.recipe.steps
