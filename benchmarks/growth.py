"""How time and memory of a training step grow with depth, width, batch and image size.

    python benchmarks/growth.py --out growth.json --figure growth.png

Each point is measured in a process of its own: the median time of a step as a run takes it, the
memory that its tensors need (`memory`), and how far the process grew when it kept what it freed, as
a run does (`occupied`; on a GPU the most that was allocated). Beside them stand the formulas:
multiply-adds of a step, and the bytes of activations kept for the backward pass with weights,
gradients and momentum. In each row of points the logarithm of what was measured is fitted against
the logarithm of its formula: an exponent of 1 grows as the formula does, less has a fixed cost that
weighs less and less, and more than 1 plus the margin is flagged.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from growth_worker import Task, plan
from isolated import run_isolated
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from reslab.cli.output import print_line, print_message, print_table
from reslab.networks.activation_memory import count_activation_bytes
from reslab.networks.complexity import describe_network
from reslab.report.palette import COLOURS
from reslab.report.still import STYLE
from reslab.runs.environment import describe_environment
from reslab.runs.executor import count_cores

WORKER = Path(__file__).with_name("growth_worker.py")
BYTES_PER_NUMBER = 4
# Weights, gradients, momentum.
COPIES_OF_PARAMS = 3
# Output, gradient of the input, gradient of the weights.
PASSES = 3


@dataclass(frozen=True, kw_only=True)
class Point:
    """One network at one batch and image size: measured, and by formula."""

    axis: str
    value: int
    """Of what varies along the axis."""
    depth: int
    width: int
    batch: int
    image_size: int
    step_seconds: float
    fastest_step_seconds: float
    memory_bytes: int
    occupied_bytes: int
    formula_macs: int
    """Of a step."""
    formula_bytes: int


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How something grows along an axis."""

    axis: str
    quantity: str
    """`time` or `memory`."""
    exponent: float
    """Of the axis's own variable."""
    formula_exponent: float
    """Of the axis's own variable in the formula."""
    against_formula: float
    """Exponent of the measurement as a power of its formula: 1 grows as the formula."""
    standard_error: float
    """Of `against_formula`."""
    flagged: bool
    """Whether it grows faster than the formula by more than the margin."""


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--depths", default="20,56,110,218,434,1202", help="batch of --small-batch")
    parser.add_argument("--widths", default="8,16,32,64", help="of ResNet-20, --small-batch")
    parser.add_argument("--batches", default="8,16,32,64,128,256", help="of ResNet-20")
    parser.add_argument("--image-sizes", default="16,32,64,128", help="of ResNet-20, --small-batch")
    parser.add_argument("--small-batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=7, help="at most so many, at least 2")
    parser.add_argument("--seconds", type=float, default=4.0, help="of steps at one point")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=count_cores())
    parser.add_argument("--margin", type=float, default=0.1, help="see above")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--figure", type=Path, help="PNG file to write")
    return parser.parse_args()


def plan_tasks(options: argparse.Namespace) -> list[Task]:
    """Every point of the four axes."""
    base = {
        "depth": 20,
        "width": 16,
        "batch": options.small_batch,
        "image_size": 32,
        **{name: getattr(options, name) for name in ("steps", "seconds", "device", "threads")},
    }
    axes = {
        "depth": options.depths,
        "width": options.widths,
        "batch": options.batches,
        "image_size": options.image_sizes,
    }
    return [
        {**base, "axis": axis, "value": int(value), axis: int(value)}
        for axis, values in axes.items()
        for value in filter(None, values.split(","))
    ]


def measure_point(task: Task) -> Point:
    """Measure one point and put the formulas beside it."""
    found = run_isolated(WORKER, task, task["threads"])
    config = plan(task)
    described = describe_network(config.network)
    kept = count_activation_bytes(config.network, task["batch"], BYTES_PER_NUMBER)
    return Point(
        **{name: task[name] for name in ("axis", "value", "depth", "width", "batch", "image_size")},
        step_seconds=found["step_seconds"],
        fastest_step_seconds=found["fastest_step_seconds"],
        memory_bytes=max(found["memory_bytes"], 1),
        occupied_bytes=found["occupied_bytes"],
        formula_macs=PASSES * described.macs * task["batch"],
        formula_bytes=kept + COPIES_OF_PARAMS * BYTES_PER_NUMBER * described.params,
    )


def fit_all(points: Sequence[Point], margin: float) -> list[Fit]:
    """Fits of time and memory along every axis that has two points or more."""
    axes = {
        axis: [p for p in points if p.axis == axis]
        for axis in dict.fromkeys(p.axis for p in points)
    }
    fits = []
    for of_axis in axes.values():
        if len(of_axis) > 1:
            seconds = [p.step_seconds for p in of_axis]
            occupied = [float(p.memory_bytes) for p in of_axis]
            macs = [float(p.formula_macs) for p in of_axis]
            kept = [float(p.formula_bytes) for p in of_axis]
            fits.append(fit("time", of_axis, seconds, macs, margin))
            fits.append(fit("memory", of_axis, occupied, kept, margin))
    return fits


def fit(
    quantity: str,
    points: Sequence[Point],
    measured: Sequence[float],
    formula: Sequence[float],
    margin: float,
) -> Fit:
    """One fit on logarithms."""
    values, ours, theirs = (np.log(x) for x in ([p.value for p in points], measured, formula))
    against = stats.linregress(theirs, ours)
    return Fit(
        axis=points[0].axis,
        quantity=quantity,
        exponent=float(stats.linregress(values, ours).slope),
        formula_exponent=float(stats.linregress(values, theirs).slope),
        against_formula=float(against.slope),
        standard_error=float(against.stderr) if len(points) > 2 else 0.0,
        flagged=bool(against.slope > 1 + margin),
    )


def print_points(points: Sequence[Point], fits: Sequence[Fit], margin: float) -> None:
    """Both tables, and a line for each thing that grows too fast."""
    columns = ["varies", "value", "batch", "ms a step", "Gmacs/s", "memory, MB", "formula, MB"]
    columns += ["occupied, MB"]
    rows = [
        [
            p.axis,
            p.value,
            p.batch,
            f"{1000 * p.step_seconds:10.1f}",
            f"{p.formula_macs / p.step_seconds / 1e9:6.1f}",
            f"{p.memory_bytes / 1e6:10,.0f}",
            f"{p.formula_bytes / 1e6:10,.0f}",
            f"{p.occupied_bytes / 1e6:10,.0f}",
        ]
        for p in points
    ]
    print_table("a training step", columns, rows)
    print_line("")
    columns = ["varies", "of", "exponent", "of the formula", "against the formula", ""]
    print_table("growth", columns, [describe_fit(f) for f in fits])
    for f in fits:
        if f.flagged:
            print_line(
                f"{f.quantity} grows with {f.axis} as its formula to the power "
                f"{f.against_formula:.2f}, above 1 by more than {margin}"
            )


def describe_fit(f: Fit) -> list[str]:
    """A row of the second table."""
    return [
        f.axis,
        f.quantity,
        f"{f.exponent:.2f}",
        f"{f.formula_exponent:.2f}",
        f"{f.against_formula:.2f} ± {f.standard_error:.2f}",
        "FASTER THAN ITS FORMULA" if f.flagged else "",
    ]


def draw(points: Sequence[Point], fits: Sequence[Fit], path: Path) -> None:
    """A panel for each axis: time (left scale) and memory (right), formulas dashed."""
    axes_names = list(dict.fromkeys(p.axis for p in points))
    with mpl.rc_context({**STYLE, "axes.spines.right": True}):
        figure = Figure(figsize=(9, 6.4), layout="constrained")
        panels = figure.subplots(2, 2).flat
        for left, axis in zip(panels, axes_names, strict=False):
            draw_axis(
                left, [p for p in points if p.axis == axis], [f for f in fits if f.axis == axis]
            )
        figure.savefig(path, dpi=160)


def draw_axis(left: Axes, points: Sequence[Point], fits: Sequence[Fit]) -> None:
    """One panel."""
    right = left.twinx()
    values = [p.value for p in points]
    seconds, memory = [p.step_seconds for p in points], [p.memory_bytes for p in points]
    # The formula gives no seconds: drawn at the best rate seen on the axis.
    rate = max(p.formula_macs / p.step_seconds for p in points)
    exponent = {f.quantity: f" ∝ {points[0].axis}^{f.exponent:.2f}" for f in fits}
    left.plot(values, seconds, "o-", color=COLOURS[0], label=f"time{exponent.get('time', '')}")
    left.plot(
        values, [p.formula_macs / rate for p in points], "--", color=COLOURS[0],
        label=f"multiply-adds at {rate / 1e9:.0f} Gmacs/s",
    )  # fmt: skip
    label = f"memory{exponent.get('memory', '')}"
    right.plot(values, [m / 1e6 for m in memory], "s-", color=COLOURS[1], label=label)
    right.plot(
        values, [p.formula_bytes / 1e6 for p in points], "--", color=COLOURS[1],
        label="activations and weights by formula",
    )  # fmt: skip
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
    left.set_xticks(values, [str(value) for value in values])
    left.minorticks_off()
    left.set_xlabel(points[0].axis.replace("_", " "))
    left.set_ylabel("seconds a step", color=COLOURS[0])
    right.set_ylabel("memory (MB)", color=COLOURS[1])
    handles = [*left.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]]
    left.legend(handles=handles, frameon=False, fontsize=7, loc="upper left")


def main() -> None:
    """Measure, fit, print, write, draw."""
    options = parse_options()
    tasks = plan_tasks(options)
    points = []
    for i, task in enumerate(tasks):
        print_message(f"{i + 1} of {len(tasks)}: {task['axis']} {task['value']}")
        points.append(measure_point(task))
    fits = fit_all(points, options.margin)
    print_points(points, fits, options.margin)
    if options.figure is not None:
        draw(points, fits, options.figure)
    if options.out is not None:
        document = {
            "options": {name: str(value) for name, value in vars(options).items()},
            "environment": describe_environment(torch.device(options.device)),
            "points": [asdict(p) for p in points],
            "fits": [asdict(f) for f in fits],
        }
        options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
