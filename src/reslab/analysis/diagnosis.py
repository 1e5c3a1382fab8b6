"""What is wrong with trained nets: degradation, overfitting, and what else stops them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reslab.analysis.curve_columns import ColumnNames, Scale
from reslab.analysis.curve_files import LogReading
from reslab.analysis.diagnosis_curves import Family
from reslab.analysis.diagnosis_depths import DepthJudgement, judge_depths
from reslab.analysis.diagnosis_net import NetJudgement, Verdict, judge_net, measure_net
from reslab.analysis.diagnosis_sources import read_families

GRAVITY: tuple[Verdict, ...] = (
    "divergence",
    "degradation",
    "overfitting",
    "underfitting",
    "plateau",
    "cannot tell",
    "no problem",
)
"""The verdict on several is the first of these that any of them has."""


@dataclass(frozen=True, kw_only=True)
class FamilyDiagnosis:
    """The verdict on nets that differ in depth alone, and what it rests on."""

    family: Family
    verdict: Verdict
    nets: tuple[NetJudgement, ...]
    """From shallow to deep."""
    pairs: tuple[DepthJudgement, ...]
    """Each depth against the next, and the deepest against the shallowest."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The verdict on all that was given."""

    families: tuple[FamilyDiagnosis, ...]
    """At least one."""

    @property
    def verdict(self) -> Verdict:
        """The gravest of the families' verdicts."""
        return gravest([family.verdict for family in self.families])


def diagnose(
    *sources: str | Path, columns: ColumnNames | None = None, scale: Scale = "auto"
) -> Diagnosis:
    """Diagnose runs: degradation, overfitting, underfitting, divergence, plateau, or no problem.

    A deeper net that fits its own training data worse is degraded (He et al. 2016, §1); one that
    fits them as well and errs more on others overfits (§4.2, the 1202-layer net). Where one seed
    or a short run cannot support a verdict, it is `cannot tell`.

    Args:
        sources: folders of reslab's runs (or with runs in them), or CSV logs as `DEPTH=FILE`, a
            depth as often as there are seeds: `"20=a.csv", "20=b.csv", "56=c.csv"`.
        columns: the names of a log's columns where they do not say what they are.
        scale: whether a log's errors and accuracies are percent or fractions.

    Raises:
        ConfigError: if the sources cannot be understood.
        DataError: if a log cannot be read.
        RunError: if a folder holds no run.
    """
    reading = LogReading(columns=columns or ColumnNames(), scale=scale)
    return diagnose_families(read_families(sources, reading))


def diagnose_families(families: Sequence[Family]) -> Diagnosis:
    """Diagnose nets that have been read (at least one family)."""
    return Diagnosis(families=tuple(diagnose_family(family) for family in families))


def diagnose_family(family: Family) -> FamilyDiagnosis:
    """Judge each net by itself and each pair of depths, and name the gravest."""
    measured = [measure_net(net) for net in family.nets]
    nets = [judge_net(net) for net in measured]
    pairs = judge_depths(measured)
    return FamilyDiagnosis(
        family=family, verdict=_conclude(nets, pairs), nets=tuple(nets), pairs=tuple(pairs)
    )


def gravest(verdicts: Sequence[Verdict]) -> Verdict:
    """The first in `GRAVITY` of at least one verdict."""
    return min(verdicts, key=GRAVITY.index)


def _conclude(nets: Sequence[NetJudgement], pairs: Sequence[DepthJudgement]) -> Verdict:
    alone, compared = [net.verdict for net in nets], [pair.verdict for pair in pairs]
    if not pairs:
        return gravest(alone)
    if "divergence" in alone:
        return "divergence"
    found = gravest([*compared, *(v for v in alone if v == "overfitting")])
    if found in {"degradation", "overfitting"}:
        return found
    # A net that is still too weak is helped by depth, which is then no problem to report.
    deepest = nets[-1].verdict
    if deepest not in {"underfitting", "plateau"} or pairs[-1].deeper_is_better:
        return found
    # Beside a net that shows nothing, what the deepest shows may be chance as well.
    return found if found == "cannot tell" and "cannot tell" in alone else deepest
