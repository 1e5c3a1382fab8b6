"""Does it matter what the shortcut does, and where BN and ReLU stand? (He et al. 2016b)."""

from dataclasses import replace

from reslab.analysis.statistics import Difference, compare_means
from reslab.networks.catalogue import cifar_name
from reslab.networks.config import NetworkConfig
from reslab.studies.evidence import Evidence
from reslab.studies.final_errors import (
    chart_of_curves,
    list_common_limits,
    points,
    table_of_errors,
)
from reslab.studies.findings import Cell, Claim, ClaimVerdict, Findings, Table, judge_claim
from reslab.studies.judging import judge_all, judge_higher, judge_lower
from reslab.studies.published import PublishedNumber
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

ORIGINAL = "original"
FULL = "full pre-activation"
ALTERED = {
    "scaled": "shortcut × 0.5",
    "scaled-both": "shortcut and F × 0.5",
    "gated-both": "exclusive gating",
    "gated": "shortcut-only gating",
    "C-1x1": "1×1 convolution",
    "dropout": "dropout 0.5",
}
MAX_SEEDS = 3
PAPER = "He et al. 2016b"
PUBLISHED = (
    PublishedNumber(label=ORIGINAL, value=6.61, where=f"{PAPER}, Table 1, 110 layers"),
    PublishedNumber(label=FULL, value=6.37, where=f"{PAPER}, Table 2, 110 layers"),
    PublishedNumber(label="shortcut and F × 0.5", value=12.35, where=f"{PAPER}, Table 1"),
    PublishedNumber(label="exclusive gating", value=8.70, where=f"{PAPER}, Table 1, best bias"),
    PublishedNumber(label="shortcut-only gating", value=6.91, where=f"{PAPER}, Table 1, bias −6"),
    PublishedNumber(label="1×1 convolution", value=12.22, where=f"{PAPER}, Table 1"),
)


@register_study
class Preactivation(Study):
    """The original unit, the fully pre-activated one, and shortcuts that are not the identity."""

    name = "preactivation"
    question = "Does it hurt to alter the identity shortcut, and help to activate before?"
    where = "beyond the paper: He et al. 2016b, Tables 1 and 2"
    refuted_by = "altered shortcuts that err no more than the identity, by more than the spread"
    published = PUBLISHED

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:
        """Theirs at the paper's budget; shallower where time is short."""
        if budget == "paper":
            return (110,)
        return (56,) if (data, budget) == ("digits", "quick") else (20,)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """Every variant at the first depth, of at most three seeds below the paper's budget."""
        if setting.budget != "paper":
            setting = replace(setting, seeds=min(setting.seeds, MAX_SEEDS))
        return [
            run
            for label, config in _list_variants(setting).items()
            for run in setting.plan_seeds(config, label=label)
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare each variant with the original unit."""
        changes = _compare_all(evidence)
        tested = not setting.is_too_short
        claims = (_judge_altered(changes, tested=tested), _judge_full(changes, tested=tested))
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(table_of_errors(evidence, setting, self.published), _table(changes)),
            charts=(
                chart_of_curves(
                    evidence,
                    {
                        "units": [ORIGINAL, FULL],
                        "altered shortcuts": [ORIGINAL, *ALTERED.values()],
                    },
                    name="units-and-shortcuts",
                    caption=f"{setting.depths[0]} layers.",
                ),
            ),
            limits=tuple(list_common_limits(evidence, setting)),
        )

    def list_deviations(self, setting: StudySetting) -> list[str]:
        """What Table 1 leaves open, and the depth."""
        deviations = ["Where the dimensions change, altered shortcuts rest on option A."]
        if setting.depths != (110,):
            deviations.append(f"{setting.depths[0]} layers instead of 110.")
        return deviations


def _list_variants(setting: StudySetting) -> dict[str, NetworkConfig]:
    depth = setting.depths[0]
    name = cifar_name("resnet", depth)
    return {
        ORIGINAL: setting.plan_network(name),
        FULL: setting.plan_network(cifar_name("preresnet", depth)),
        **{label: setting.plan_network(name, shortcut=kind) for kind, label in ALTERED.items()},
    }


def _compare_all(evidence: Evidence) -> dict[str, Difference | None]:
    """Change of the test error from the original unit; None where every seed diverged."""
    original = evidence.final_errors(ORIGINAL).test_error_pct
    changes: dict[str, Difference | None] = {}
    for label in evidence.labels:
        errors = evidence.final_errors(label).test_error_pct
        if label != ORIGINAL:
            changes[label] = compare_means(original, errors) if original and errors else None
    return changes


def _judge_altered(changes: dict[str, Difference | None], *, tested: bool) -> Claim:
    altered = {label: changes[label] for label in ALTERED.values() if label in changes}
    verdicts = {label: _judge_worse(change, tested=tested) for label, change in altered.items()}
    worse = [label for label, verdict in verdicts.items() if verdict == "reproduced"]
    words = "; ".join(f"{label} {_words(change)}" for label, change in altered.items())
    return Claim(
        statement="Every altered shortcut errs more than the identity.",
        where=f"{PAPER}, Table 1",
        verdict=judge_all(verdicts.values()),
        evidence=f"Change of the test error in points: {words}. {len(worse)} of {len(altered)} are "
        "worse by more than the seeds' spread.",
    )


def _judge_worse(change: Difference | None, *, tested: bool) -> ClaimVerdict:
    """A net of which every seed diverged is worse, whatever the spread."""
    if change is None:
        return judge_claim(holds=True, tested=tested)
    return judge_higher(change, tested=tested)


def _judge_full(changes: dict[str, Difference | None], *, tested: bool) -> Claim:
    change = changes[FULL]
    verdict: ClaimVerdict = "not tested at this budget"
    if change is not None:
        verdict = judge_lower(change, tested=tested)
    return Claim(
        statement="The fully pre-activated unit errs less than the original.",
        where=f"{PAPER}, Table 2",
        verdict=verdict,
        evidence=f"With full pre-activation the test error changes by {_words(change)} points.",
    )


def _words(change: Difference | None) -> str:
    return "diverged" if change is None else points(change)


def _table(changes: dict[str, Difference | None]) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (label, _words(change)) for label, change in changes.items()
    )
    return Table(
        title="Against the original unit",
        columns=("unit or shortcut", "change of test error"),
        rows=rows,
        note="Percentage points [95 % interval of Welch's t].",
    )
