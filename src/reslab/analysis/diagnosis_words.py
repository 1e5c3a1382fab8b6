"""A diagnosis in words and plain numbers."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from reslab.analysis.diagnosis import Diagnosis, FamilyDiagnosis
from reslab.analysis.diagnosis_curves import NetCurves
from reslab.analysis.diagnosis_depths import METHOD, DepthJudgement
from reslab.analysis.diagnosis_net import MeasuredNet, NetJudgement, Verdict
from reslab.analysis.statistics import Difference, summarise

MEANING: dict[Verdict, str] = {
    "divergence": "Divergence: training lost what it had learned.",
    "degradation": "Degradation, not overfitting: the deeper net fits its own training data worse.",
    "overfitting": "Overfitting: the training data are fitted as well or better, others worse.",
    "underfitting": "Underfitting: the training error has stopped falling, and is high.",
    "plateau": "Plateau: the training error has stopped falling before the learning rate drops.",
    "no problem": "No problem found.",
    "cannot tell": "Cannot tell: these curves do not support a verdict.",
}

TO_TRY: dict[Verdict, tuple[str, ...]] = {
    "divergence": (
        "a learning rate ten times lower, or a warm-up at such a rate until the net learns",
        "a look at the batch before the first NaN: labels out of range, images not normalised",
        "32-bit numbers if training in 16, or a bound on the norm of the gradient",
    ),
    "degradation": (
        "shortcuts around every two layers (a residual net of the same depth costs nothing more)",
        "a check that batch normalisation and He initialisation are in place, so that it is depth",
        "the shallower net, if shortcuts are out of question: the deeper one gains nothing",
    ),
    "overfitting": (
        "the weights of the step with the lowest error on images held out for that choice",
        "more augmentation, weight decay or dropout",
        "the shallower or narrower net, or more training data",
    ),
    "underfitting": (
        "a wider or, with shortcuts, deeper net",
        "less weight decay and augmentation, or a longer schedule at the high rate",
        "a look at labels and normalisation: a net that fits nothing may be shown nothing to fit",
    ),
    "plateau": (
        "dividing the learning rate by 10 now, as the paper does at half of its steps",
        "going on from the last checkpoint rather than anew",
    ),
    "no problem": ("more depth or width, if a lower error is wanted",),
    "cannot tell": (
        "two or more further seeds of each net",
        "runs to the end of the learning-rate schedule, measured at least 20 times",
    ),
}


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis in plain JSON types; always with `verdict` and `evidence`."""
    return {
        "verdict": diagnosis.verdict,
        "meaning": MEANING[diagnosis.verdict],
        "evidence": [line for family in diagnosis.families for line in list_evidence(family)],
        "try": list(TO_TRY[diagnosis.verdict]),
        "families": [_family_document(family) for family in diagnosis.families],
        "method": METHOD,
    }


def list_evidence(diagnosis: FamilyDiagnosis) -> list[str]:
    """Sentences with the numbers that carry a verdict: pairs, nets, and what limits them."""
    prefix = f"{diagnosis.family.name}: " if diagnosis.family.name else ""
    lines = [_describe_pair(pair) for pair in diagnosis.pairs]
    lines += [_describe_net(net) for net in diagnosis.nets]
    lines += _list_limits(diagnosis)
    return [prefix + line for line in lines]


def _describe_pair(pair: DepthJudgement) -> str:
    shallow, deep = pair.shallow, pair.deep
    return (
        f"{deep.curves.label} against {shallow.curves.label}: {pair.verdict}, for {pair.reason}. "
        f"Training error {_mean(deep.train_levels())} against {_mean(shallow.train_levels())}, "
        f"change {_points(pair.train)}; test error {_mean(deep.test_levels())} against "
        f"{_mean(shallow.test_levels())}, change {_points(pair.test)}. "
        f"Seeds: {len(deep.features)} and {len(shallow.features)}."
    )


def _describe_net(judgement: NetJudgement) -> str:
    net = judgement.net
    return f"{net.curves.label}, {_seeds(net.curves)}: {judgement.verdict}; {judgement.reason}" + (
        f". Read from steps {_from_step(net):g} to {_last_step(net):g}." if net.features else "."
    )


def _list_limits(diagnosis: FamilyDiagnosis) -> list[str]:
    lines = []
    nets = [judgement.net.curves for judgement in diagnosis.nets]
    single = [net.label for net in nets if len(net.seeds) == 1]
    if single and diagnosis.pairs:
        lines.append(
            f"One seed of {', '.join(single)}: no interval over seeds exists, so a spread between "
            "seeds is allowed for instead of measured; further seeds would measure it."
        )
    lengths = [max(curve.last_step for curve in net.seeds) for net in nets]
    if max(lengths) > 1.1 * min(lengths):
        lines.append(
            "The nets ran for different lengths "
            f"({', '.join(f'{length:g}' for length in lengths)}): each is judged at its own end."
        )
    if nets[0].quantity == "loss":
        lines.append(
            "Only losses were logged: all are in percent of the highest first training loss."
        )
    return lines + [
        f"{curve.name}: {note}." for net in nets for curve in net.seeds for note in curve.notes
    ]


def _family_document(diagnosis: FamilyDiagnosis) -> dict[str, Any]:
    return {
        "family": diagnosis.family.name or None,
        "verdict": diagnosis.verdict,
        "evidence": list_evidence(diagnosis),
        "comparisons": [_pair_document(pair) for pair in diagnosis.pairs],
        "networks": [_net_document(net) for net in diagnosis.nets],
    }


def _pair_document(pair: DepthJudgement) -> dict[str, Any]:
    return {
        "shallow_depth": pair.shallow.curves.depth,
        "deep_depth": pair.deep.curves.depth,
        "verdict": pair.verdict,
        "reason": pair.reason,
        "train_change_points": asdict(pair.train),
        "test_change_points": asdict(pair.test),
        "train_difference_closing_points": pair.closing,
    }


def _net_document(judgement: NetJudgement) -> dict[str, Any]:
    net = judgement.net
    return {
        "depth": net.curves.depth,
        "seeds": len(net.curves.seeds),
        "sources": [curve.name for curve in net.curves.seeds],
        "quantity": net.curves.quantity,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "read_from_step": _from_step(net) if net.features else None,
        "last_step": _last_step(net),
        "train_error_pct": asdict(summarise(net.train_levels())) if net.features else None,
        "test_error_pct": asdict(summarise(net.test_levels())) if net.features else None,
    }


def _seeds(net: NetCurves) -> str:
    return "one seed" if len(net.seeds) == 1 else f"{len(net.seeds)} seeds"


def _from_step(net: MeasuredNet) -> float:
    return float(np.min([f.test.from_step for f in net.features]))


def _last_step(net: MeasuredNet) -> float:
    return max(curve.last_step for curve in net.curves.seeds)


def _mean(values: Sequence[float]) -> str:
    return f"{summarise(values).to_text()} %"


def _points(difference: Difference) -> str:
    return f"{difference.mean:+.2f} [{difference.low:+.2f}, {difference.high:+.2f}] points"
