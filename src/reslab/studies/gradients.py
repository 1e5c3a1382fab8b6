"""Do signals vanish in deep plain nets? Forward responses and backward gradients (§4.1)."""

from collections.abc import Sequence

import numpy as np

from reslab.analysis.signals import measure_signals
from reslab.analysis.statistics import summarise
from reslab.studies.charts import Chart, Line, Panel
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.findings import Claim, Findings, Table, judge_claim
from reslab.studies.measuring import Measured, Measurement
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

# Chosen before measuring: what is a thousandth of itself at the far end has vanished; a factor of
# 0.88 a layer makes that of 56 layers, and single precision would carry far less.
VANISHED = 1e-3
MOMENTS = 4
MAX_SEEDS = 3
TRAINED_SHARE = 0.25
"""Of a run's steps, how far it is followed."""


@register_study
class Gradients(Study):
    """Root mean squares of responses and of their gradients, layer by layer, while training."""

    name = "gradients"
    question = "Is it vanishing gradients that keep deep plain nets from learning?"
    where = "§4.1"
    refuted_by = (
        f"a plain net with BN whose gradient at the first layer is under {VANISHED:g} of that at "
        "the last, or whose responses fall as far on their way forward"
    )

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:  # noqa: ARG002
        """Up to the deepest plain net of the paper, at every budget but the shortest."""
        return (8, 14) if budget == "smoke" else (20, 56, 110)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:  # noqa: ARG002
        """None: the first part of each run is followed while measuring."""
        return []

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:
        """The first steps of each net, with its signals at a few moments."""
        last = max(1, round(setting.steps * TRAINED_SHARE))
        at_steps = tuple(sorted({round(last * i / (MOMENTS - 1)) for i in range(MOMENTS)}))
        return [
            Measurement(
                label=run.label,
                function=measure_signals,
                run=run.config,
                trained=False,
                seed=run.config.seed,
                arguments={"at_steps": at_steps},
            )
            for run in plan_families(setting)
            if run.config.seed < MAX_SEEDS
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:  # noqa: ARG002
        """Set the weakest signal against the criterion."""
        nets = evidence.measured
        plain = [net for net in nets if net.values["family"] == "plain"]
        claims = (
            _judge(plain, "backward", "The gradients of plain nets with BN do not vanish."),
            _judge(plain, "forward", "The forward signals of plain nets with BN do not vanish."),
        )
        seeds = len({net.seed for net in nets})
        limits = (
            f"Followed over the first {TRAINED_SHARE:.0%} of each run, {seeds} seeds of it; what "
            "comes after is not looked at.",
        )
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(_table(nets),),
            charts=(_chart(nets, "backward", first=True), _chart(nets, "backward", first=False),
                    _chart(nets, "forward", first=False)),
            limits=limits,
        )  # fmt: skip


def far_end_ratio(moment: dict[str, list[float]], way: str) -> float:
    """The signal at the end of its way over that at its start.

    Backward from the last layer to the first, forward from the first to the last; each end is the
    geometric mean of three layers.
    """
    values = np.log(np.maximum(moment[way], 1e-300))
    first, last = float(values[:3].mean()), float(values[-3:].mean())
    return float(np.exp(first - last if way == "backward" else last - first))


def _ratios(nets: Sequence[Measured], way: str) -> list[float]:
    return [far_end_ratio(moment, way) for net in nets for moment in net.values["moments"]]


def _judge(plain: Sequence[Measured], way: str, statement: str) -> Claim:
    worst = min(_ratios(plain, way))
    starts = [far_end_ratio(net.values["moments"][0], way) for net in plain]
    ends = {"backward": "first layer over last", "forward": "last layer over first"}
    return Claim(
        statement=statement,
        where="§4.1",
        verdict=judge_claim(holds=worst > VANISHED),
        evidence=f"{way.capitalize()}, the weakest plain net at any moment has a ratio of "
        f"{worst:.2g} ({ends[way]}; vanished would be under {VANISHED:g}); as initialised the "
        f"ratios are {min(starts):.2g} to {max(starts):.2g}.",
    )


def _table(nets: Sequence[Measured]) -> Table:
    rows = []
    for label in dict.fromkeys(net.label for net in nets):
        same = [net for net in nets if net.label == label]
        for i, moment in enumerate(same[0].values["moments"]):
            moments = [net.values["moments"][i] for net in same]
            cells = [_geometric([far_end_ratio(m, way) for m in moments]) for way in
                     ("backward", "forward")]  # fmt: skip
            loss = summarise([m["loss"] for m in moments]).to_text()
            rows.append((label, moment["step"], len(same), loss, *cells))
    return Table(
        title="What is left of a signal at the far end of the net",
        columns=(
            "network",
            "step",
            "n",
            "loss",
            "gradient, first / last",
            "response, last / first",
        ),
        rows=tuple(rows),
        note="Root mean square at BN's output over 128 training images in training mode; each end "
        "is the geometric mean of three layers, each cell that of n seeds with its range.",
    )


def _geometric(ratios: Sequence[float]) -> str:
    mean = float(np.exp(np.mean(np.log(ratios))))
    return f"{mean:.2g} [{min(ratios):.2g}, {max(ratios):.2g}]"


def _chart(nets: Sequence[Measured], way: str, *, first: bool) -> Chart:
    moment = 0 if first else -1
    step = nets[0].values["moments"][moment]["step"] if nets else 0
    labels = list(dict.fromkeys(net.label for net in nets))
    marks: dict[str, list[Line]] = {"plain": [], "residual": []}
    for label in labels:
        same = [net for net in nets if net.label == label]
        values = np.array([net.values["moments"][moment][way] for net in same])
        family = same[0].values["family"]
        share = np.linspace(0, 1, values.shape[1])
        marks[family].append(
            Line(
                label=label,
                x=tuple(share.tolist()),
                y=tuple(np.exp(np.log(values).mean(axis=0)).tolist()),
                low=tuple(values.min(axis=0).tolist()),
                high=tuple(values.max(axis=0).tolist()),
                colour=len(marks[family]),
            )
        )
    what = "gradient" if way == "backward" else "response"
    return Chart(
        name=f"{what}-at-step-{step}",
        caption=f"Root mean square of each layer's {what} at step {step:,}; geometric mean over "
        "the seeds, band from the lowest to the highest.",
        panels=tuple(
            Panel(
                title=f"{family} nets",
                x_label="place in the net (0 input, 1 output)",
                y_label=f"rms of the {what}",
                marks=tuple(lines),
                log_y=True,
            )
            for family, lines in marks.items()
        ),
    )
