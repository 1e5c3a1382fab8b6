"""The identity study's second part: stacks asked to learn x, in table, chart and verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reslab.analysis.stacks import CHECK_EVERY, GOAL
from reslab.analysis.statistics import compare_paired
from reslab.studies.charts import Chart, Line, Panel
from reslab.studies.findings import Cell, Claim, Table
from reslab.studies.judging import judge_lower
from reslab.studies.measuring import Measured

FAMILIES = {"none": "plain", "A": "residual"}


@dataclass(frozen=True, kw_only=True)
class StackAtRate:
    """Stacks of one kind over the seeds, at one learning rate."""

    family: str
    blocks: int
    perturbation: float
    learning_rate: float
    rates: int
    """Of how many it was chosen."""
    max_steps: int
    steps: tuple[int | None, ...]
    """To the goal, for each seed in order; None if not reached."""
    losses: tuple[tuple[float, ...], ...]

    @property
    def counted(self) -> tuple[int, ...]:
        """Steps, the limit standing for never."""
        return tuple(self.max_steps if s is None else s for s in self.steps)

    @property
    def cost(self) -> tuple[float, float]:
        """By which rates are ranked: mean steps, then the loss at the end."""
        return float(np.mean(self.counted)), float(np.mean([loss[-1] for loss in self.losses]))


def choose_rates(stacks: Sequence[Measured]) -> list[StackAtRate]:
    """Each kind of stack at the learning rate that suits it best, the same rule for both."""
    kinds: dict[tuple[float, int, str], list[Measured]] = {}
    for stack in sorted(stacks, key=lambda s: s.seed):
        a = stack.arguments
        kinds.setdefault((a["perturbation"], a["blocks"], a["shortcut"]), []).append(stack)
    return [
        min(
            (_at_rate(seeds, i) for i in range(len(seeds[0].values["tries"]))),
            key=lambda stack: stack.cost,
        )
        for seeds in kinds.values()
    ]


def _at_rate(seeds: Sequence[Measured], index: int) -> StackAtRate:
    a = seeds[0].arguments
    tries = [stack.values["tries"][index] for stack in seeds]
    return StackAtRate(
        family=FAMILIES[a["shortcut"]],
        blocks=a["blocks"],
        perturbation=a["perturbation"],
        learning_rate=tries[0]["learning_rate"],
        rates=len(seeds[0].values["tries"]),
        max_steps=a["max_steps"],
        steps=tuple(t["steps"] for t in tries),
        losses=tuple(tuple(t["losses"]) for t in tries),
    )


def judge_stacks(stacks: Sequence[StackAtRate], *, tested: bool) -> Claim:
    """Whether residual stacks reach the goal in fewer steps.

    One number for each seed and family, the mean over depths and perturbations: stacks of one seed
    share their inputs, so that they do not count as independent.
    """
    plain, residual = (
        np.mean([s.counted for s in stacks if s.family == family], axis=0)
        for family in ("plain", "residual")
    )
    change = compare_paired(plain, residual)
    interval = (
        ""
        if change.low is None or change.high is None
        else f" [{-change.high:,.0f}, {-change.low:,.0f}]"
    )
    first = stacks[0]
    return Claim(
        statement="A residual stack learns the identity, and what is near it, in fewer steps.",
        where="§3.1",
        verdict=judge_lower(change, tested=tested),
        evidence=f"{_count_failed(stacks, 'plain')} plain and {_count_failed(stacks, 'residual')} "
        f"residual stacks did not reach a loss of {GOAL:g} within {first.max_steps:,} steps at the "
        f"best of {first.rates} learning rates; counting those at the limit, residual stacks need "
        f"{-change.mean:,.0f}{interval} steps fewer on average.{_name_undecided(stacks)}",
    )


def _count_failed(stacks: Sequence[StackAtRate], family: str) -> str:
    steps = [s for stack in stacks if stack.family == family for s in stack.steps]
    return f"{steps.count(None)} of {len(steps)}"


def _name_undecided(stacks: Sequence[StackAtRate]) -> str:
    depths = dict.fromkeys(2 * stack.blocks for stack in stacks)
    for stack in stacks:
        if any(s is not None for s in stack.steps):
            depths.pop(2 * stack.blocks, None)
    return f" With {', '.join(map(str, depths))} layers neither did." if depths else ""


def table_of_stacks(stacks: Sequence[StackAtRate]) -> Table:
    """Median steps by depth; `never` where the limit came first."""
    found = {(s.perturbation, s.blocks, s.family): s for s in stacks}
    rows: list[tuple[Cell, ...]] = []
    for perturbation, blocks in dict.fromkeys((s.perturbation, s.blocks) for s in stacks):
        cells: list[Cell] = [f"{perturbation:g}", 2 * blocks]
        for family in ("plain", "residual"):
            stack = found[perturbation, blocks, family]
            ends = [losses[-1] for losses in stack.losses]
            cells += [_median(stack.steps), f"{np.median(ends):.2g}", f"{stack.learning_rate:g}"]
        rows.append(tuple(cells))
    of_family = ("steps", "last loss", "learning rate")
    return Table(
        title="Steps to learn x + ε g(x)",
        columns=(
            "ε",
            "layers",
            *(f"{family}: {name}" for family in ("plain", "residual") for name in of_family),
        ),
        rows=tuple(rows),
        note=f"Median over {len(stacks[0].steps)} seeds [range], to a loss of {GOAL:g} of the "
        f"target's mean square, looked at every {CHECK_EVERY} steps, at most "
        f"{stacks[0].max_steps:,}; each kind of stack at the best of {stacks[0].rates} learning "
        "rates. Random inputs of 8 channels and 8×8 places, basic blocks with BN, batches of 32, "
        "SGD with momentum 0.9. At ε = 0.3 passing x on unchanged has a loss of 0.04, so that the "
        "perturbation has to be learned too.",
    )


def chart_of_stacks(stacks: Sequence[StackAtRate]) -> Chart:
    """Median loss against steps by depth, for stacks that learn the identity."""
    panels = []
    for family in ("plain", "residual"):
        lines = []
        chosen = [s for s in stacks if s.family == family and s.perturbation == 0]
        for i, stack in enumerate(chosen):
            length = min(map(len, stack.losses))
            values = np.median([losses[:length] for losses in stack.losses], axis=0)
            lines.append(
                Line(
                    label=f"{2 * stack.blocks} layers",
                    x=tuple(range(0, CHECK_EVERY * length, CHECK_EVERY)),
                    y=tuple(values.tolist()),
                    colour=i,
                )
            )
        panels.append(
            Panel(
                title=f"{family} stacks",
                x_label="steps",
                y_label="loss over the target's mean square",
                marks=tuple(lines),
                log_y=True,
            )
        )
    return Chart(
        name="learning-the-identity",
        caption="Stacks that learn H(x) = x, each at its best learning rate, median over the "
        f"seeds; a curve ends where the first seed reached {GOAL:g}, at the latest after "
        f"{stacks[0].max_steps:,} steps.",
        panels=tuple(panels),
    )


def _median(steps: Sequence[int | None]) -> str:
    words = ["never" if s is None else f"{s:,}" for s in sorted(steps, key=_or_infinite)]
    middle = words[len(words) // 2]
    return middle if words[0] == words[-1] else f"{middle} [{words[0]} to {words[-1]}]"


def _or_infinite(steps: int | None) -> float:
    return float("inf") if steps is None else steps
