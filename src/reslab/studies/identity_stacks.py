"""The identity study's second part: stacks asked to learn x, in table, chart and verdict."""

from collections.abc import Sequence

import numpy as np

from reslab.analysis.stacks import GOAL
from reslab.analysis.statistics import compare_paired
from reslab.studies.charts import Chart, Line, Panel
from reslab.studies.findings import Cell, Claim, Table, judge_claim
from reslab.studies.measuring import Measured

Steps = dict[tuple[float, int, str], list[int | None]]


def collect_steps(stacks: Sequence[Measured]) -> Steps:
    """Steps to the goal over the seeds, by perturbation, blocks and family."""
    steps: Steps = {}
    for stack in stacks:
        family = "plain" if stack.arguments["shortcut"] == "none" else "residual"
        key = (stack.arguments["perturbation"], stack.arguments["blocks"], family)
        steps.setdefault(key, []).append(stack.values["steps"])
    return steps


def judge_stacks(stacks: Sequence[Measured], *, tested: bool) -> Claim:
    """Whether residual stacks reach the goal in fewer steps, the limit standing for never."""
    steps = collect_steps(stacks)
    limit = max((s.arguments["max_steps"] for s in stacks), default=0)
    plain, residual = (
        [s if s is not None else limit for key, of in steps.items() if key[2] == f for s in of]
        for f in ("plain", "residual")
    )
    change = compare_paired(plain, residual)
    failed = {
        f: sum(s is None for key, of in steps.items() if key[2] == f for s in of)
        for f in ("plain", "residual")
    }
    return Claim(
        statement="A residual stack learns the identity, and what is near it, in fewer steps.",
        where="§3.1",
        verdict=judge_claim(holds=change.is_lower, tested=tested),
        evidence=f"Of {len(plain)} stacks each, {failed['plain']} plain and {failed['residual']} "
        f"residual ones did not reach a loss of {GOAL:g} within {limit:,} steps; counting those at "
        f"the limit, residual stacks need {-change.mean:,.0f} steps fewer on average.",
    )


def table_of_stacks(stacks: Sequence[Measured]) -> Table:
    """Median steps by depth; `never` where the limit came first."""
    steps = collect_steps(stacks)
    rows: list[tuple[Cell, ...]] = [
        (
            f"{perturbation:g}",
            2 * blocks,
            *(_median(steps[perturbation, blocks, family]) for family in ("plain", "residual")),
        )
        for perturbation, blocks in dict.fromkeys((key[0], key[1]) for key in steps)
    ]
    return Table(
        title="Steps to learn x + ε g(x)",
        columns=("ε", "layers", "plain stack", "residual stack"),
        rows=tuple(rows),
        note=f"Median over {len(next(iter(steps.values())))} seeds [range], to a loss of {GOAL:g} "
        "of the target's mean square, looked at every 10 steps; random inputs of 8 channels and "
        "8×8 places, basic blocks with BN, SGD with learning rate 0.01 and momentum 0.9.",
    )


def chart_of_stacks(stacks: Sequence[Measured]) -> Chart:
    """Median loss against steps by depth, for stacks that learn the identity."""
    limit = max((s.arguments["max_steps"] for s in stacks), default=0)
    panels = []
    for family, shortcut in (("plain", "none"), ("residual", "A")):
        chosen = [
            s
            for s in stacks
            if s.arguments["shortcut"] == shortcut and s.arguments["perturbation"] == 0
        ]
        lines = []
        for i, blocks in enumerate(dict.fromkeys(s.arguments["blocks"] for s in chosen)):
            curves = [s.values["losses"] for s in chosen if s.arguments["blocks"] == blocks]
            length = min(map(len, curves))
            values = np.median([curve[:length] for curve in curves], axis=0)
            lines.append(
                Line(
                    label=f"{2 * blocks} layers",
                    x=tuple(range(0, 10 * length, 10)),
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
        caption=f"Stacks that learn H(x) = x, median over the seeds; a curve ends where the first "
        f"seed reached {GOAL:g}, at the latest after {limit:,} steps.",
        panels=tuple(panels),
    )


def _median(steps: Sequence[int | None]) -> str:
    words = ["never" if s is None else f"{s:,}" for s in sorted(steps, key=_or_infinite)]
    middle = words[len(words) // 2]
    return middle if words[0] == words[-1] else f"{middle} [{words[0]} to {words[-1]}]"


def _or_infinite(steps: int | None) -> float:
    return float("inf") if steps is None else steps
