"""Is degradation overfitting? Plain and residual nets of growing depth (Fig. 1, Fig. 6, §4.2)."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from reslab.analysis.depth_verdict import (
    METHOD,
    DepthComparison,
    FinalErrors,
    Verdict,
    compare_family,
)
from reslab.analysis.statistics import Summary, summarise
from reslab.data.config import DATASET_SHAPES, DataConfig
from reslab.errors import ConfigError
from reslab.networks.catalogue import cifar_name
from reslab.studies.carry_out import StudyProgress, carry_out
from reslab.studies.published import PublishedError
from reslab.training.plan import plan_network, plan_run
from reslab.training.recipe import BATCH_SIZE, Budget, budget_steps
from reslab.training.result import RunResult
from reslab.training.run_config import ExecutionConfig, RunConfig

Family = Literal["plain", "residual"]
FAMILIES: dict[Family, str] = {"plain": "plain", "residual": "resnet"}

# On digits a first stage of 8 filters, half the paper's 16: see docs/log.md.
DEFAULT_WIDTH = {"digits": 8}
# Without the crop the few digits are learned within seconds rather than minutes.
RECIPE_CHANGES: dict[str, dict[str, Any]] = {"digits": {"crop_padding": 0}}
DEFAULT_SEEDS: dict[str, dict[Budget, int]] = {
    "digits": {"smoke": 2, "quick": 5, "paper": 3},
    "cifar10": {"smoke": 2, "quick": 3, "paper": 5},
    "cifar100": {"smoke": 2, "quick": 3, "paper": 5},
}

PUBLISHED = (
    PublishedError(network="resnet20", test_error_pct=8.75, where="Table 6"),
    PublishedError(network="resnet32", test_error_pct=7.51, where="Table 6"),
    PublishedError(network="resnet44", test_error_pct=7.17, where="Table 6"),
    PublishedError(network="resnet56", test_error_pct=6.97, where="Table 6"),
    PublishedError(network="resnet110", test_error_pct=6.43, where="Table 6, best of 5"),
    # Read off the curves by eye, to about half a point; the paper prints no numbers for these.
    PublishedError(network="plain20", test_error_pct=9.0, where="Fig. 6 (left), read by eye"),
    PublishedError(network="plain56", test_error_pct=13.0, where="Fig. 6 (left), read by eye"),
)


# A net that has seen each image only a few times has not been trained on them: its training error
# says how fast it starts, and deeper nets, residual ones too, start more slowly.
MIN_EPOCHS = 10


@dataclass(frozen=True, kw_only=True)
class DegradationPlan:
    """What the study trains."""

    data: str = "digits"
    """Data set."""
    steps: int
    """Steps of every run."""
    depths: tuple[int, ...] = (20, 56)
    """Depths 6n+2 at which a plain and a residual net are trained."""
    seeds: int = 3
    """Runs of each net, with the seeds 0, 1, …"""
    width: int | None = None
    """Filters of the first stage; None is the paper's 16."""

    def __post_init__(self) -> None:
        if len(set(self.depths)) != len(self.depths) or not self.depths:
            raise ConfigError(f"depths must be given once each, got {self.depths}")
        if self.seeds < 1:
            raise ConfigError(f"seeds is {self.seeds}, must be at least 1")

    @property
    def epochs(self) -> float:
        """How often each training image is seen."""
        return self.steps * BATCH_SIZE / DATASET_SHAPES[self.data].train_count

    @property
    def is_too_short(self) -> bool:
        """Whether nets trained so briefly support no verdict."""
        return self.epochs < MIN_EPOCHS


def plan_degradation(
    data: str,
    budget: Budget,
    *,
    steps: int | None = None,
    depths: tuple[int, ...] = (20, 56),
    seeds: int | None = None,
    width: int | None = None,
) -> DegradationPlan:
    """Fill in a budget's steps, and the seeds and width that the study takes on a data set."""
    return DegradationPlan(
        data=data,
        steps=budget_steps(data, budget) if steps is None else steps,
        depths=depths,
        seeds=DEFAULT_SEEDS[data][budget] if seeds is None else seeds,
        width=DEFAULT_WIDTH.get(data) if width is None else width,
    )


def plan_runs(plan: DegradationPlan, execution: ExecutionConfig) -> list[RunConfig]:
    """The study's runs: seeds outermost, so that a study cut short has whole comparisons.

    Raises:
        ConfigError: if a depth is not 6n+2.
    """
    data = DataConfig(name=plan.data)
    networks = [
        plan_network(cifar_name(kind, depth), data, width=plan.width)
        for kind in FAMILIES.values()
        for depth in sorted(plan.depths)
    ]
    return [
        plan_run(
            network,
            data,
            steps=plan.steps,
            seed=seed,
            execution=execution,
            recipe_changes=RECIPE_CHANGES.get(plan.data),
        )
        for seed in range(plan.seeds)
        for network in networks
    ]


def study_degradation(
    plan: DegradationPlan,
    folder: Path,
    *,
    execution: ExecutionConfig | None = None,
    workers: int = 1,
    on_progress: Callable[[StudyProgress], None] = lambda _progress: None,
) -> "DegradationResult":
    """Carry out the study's runs in `folder`, or what is left of them, and compare the nets.

    Args:
        plan: what to train.
        folder: where the runs are kept.
        execution: where and how each run computes.
        workers: runs at a time, each in a process of its own.
        on_progress: told about twice a second how far the study has come.

    Raises:
        Stopped: by SIGINT or SIGTERM; the same call goes on from there.
        ReslabError: what a run raised.
    """
    configs = plan_runs(plan, execution or ExecutionConfig(threads=1))
    return conclude(plan, carry_out(configs, folder, workers, on_progress))


@dataclass(frozen=True, kw_only=True)
class NetworkErrors:
    """Final errors of one network over its seeds."""

    network: str
    family: Family
    depth: int
    train_error_pct: Summary
    test_error_pct: Summary
    published: PublishedError | None


@dataclass(frozen=True, kw_only=True)
class DegradationResult:
    """What the study found."""

    plan: DegradationPlan
    verdict: Verdict
    """Of the plain nets."""
    residual_verdict: Verdict
    networks: tuple[NetworkErrors, ...]
    plain: DepthComparison | None
    """Deepest plain net against the shallowest; None with fewer than two depths."""
    residual: DepthComparison | None
    runs: tuple[RunResult, ...]

    def to_document(self) -> dict[str, Any]:
        """The result as `results.json` holds it."""
        return {"study": "degradation", "method": METHOD, **asdict(self)}


def conclude(plan: DegradationPlan, runs: Sequence[RunResult]) -> DegradationResult:
    """Compare the nets of a study whose runs have ended."""
    plain, residual = (_compare(runs, family, plan) for family in FAMILIES)
    return DegradationResult(
        plan=plan,
        verdict=plain.verdict if plain else "cannot tell",
        residual_verdict=residual.verdict if residual else "cannot tell",
        networks=_summarise_networks(runs, plan.data),
        plain=plain,
        residual=residual,
        runs=tuple(runs),
    )


def _select(runs: Sequence[RunResult], family: Family, depth: int) -> list[RunResult]:
    return [run for run in runs if run.family == family and run.depth == depth]


def _train_errors(runs: Sequence[RunResult]) -> tuple[float, ...]:
    return tuple(run.train_error_pct for run in runs if run.train_error_pct is not None)


def _test_errors(runs: Sequence[RunResult]) -> tuple[float, ...]:
    return tuple(run.test_error_pct for run in runs if run.test_error_pct is not None)


def _depths(runs: Sequence[RunResult], family: Family) -> list[int]:
    return sorted({run.depth for run in runs if run.family == family})


def _compare(
    runs: Sequence[RunResult], family: Family, plan: DegradationPlan
) -> DepthComparison | None:
    comparison = compare_family(
        [
            FinalErrors(
                depth=depth,
                train_error_pct=_train_errors(_select(runs, family, depth)),
                test_error_pct=_test_errors(_select(runs, family, depth)),
            )
            for depth in _depths(runs, family)
        ]
    )
    if comparison is None or not plan.is_too_short:
        return comparison
    return replace(comparison, verdict="cannot tell")


def _summarise_networks(runs: Sequence[RunResult], data: str) -> tuple[NetworkErrors, ...]:
    published = {p.network: p for p in PUBLISHED} if data == "cifar10" else {}
    return tuple(
        NetworkErrors(
            network=same[0].network,
            family=family,
            depth=depth,
            train_error_pct=summarise(_train_errors(same)),
            test_error_pct=summarise(_test_errors(same)),
            published=published.get(same[0].network),
        )
        for family in FAMILIES
        for depth in _depths(runs, family)
        for same in [_select(runs, family, depth)]
    )
