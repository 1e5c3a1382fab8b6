"""How far the formulas of `reslab plan` are from what this machine measures.

    python benchmarks/planning.py --out planning.json

Memory: each network trains a few steps in a process of its own (`growth_worker.py`), whose growth
stands beside the formula. Time: rates are fitted to a few small probes, and the time that follows
for networks that are none of them stands beside their measured steps (the fastest of a few, by the
computing time of one thread). Errors are (formula − measured) / measured.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median

import torch
from isolated import run_isolated

from reslab.analysis.step_cost import Rates, count_step_memory, count_step_work
from reslab.analysis.step_measuring import calibrate, measure_step_seconds
from reslab.cli.output import print_line, print_message, print_table
from reslab.networks.catalogue import find_network
from reslab.runs.environment import describe_environment

WORKER = Path(__file__).with_name("growth_worker.py")
# Depth, width, image size, batch; None is the family's own.
CASES = (
    (20, 16, 32, 32),
    (20, 16, 32, 128),
    (20, 16, 64, 16),
    (32, 32, 32, 16),
    (56, 16, 32, 32),
    (110, 16, 32, 16),
    (18, 64, 96, 8),
    (34, 64, 96, 8),
    (50, 64, 96, 8),
)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One network: measured, and by formula."""

    network: str
    width: int
    image_size: int
    batch: int
    memory_bytes: int
    formula_memory_bytes: int
    step_seconds: float
    formula_step_seconds: float

    @property
    def memory_error_pct(self) -> float:
        """Of the formula."""
        return 100 * (self.formula_memory_bytes / self.memory_bytes - 1)

    @property
    def time_error_pct(self) -> float:
        """Of the formula."""
        return 100 * (self.formula_step_seconds / self.step_seconds - 1)


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=3, help="measured of each network")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cases", type=int, default=len(CASES), help="only the first so many")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    return parser.parse_args()


def compare(
    case: tuple[int, int, int, int], rates: Rates, options: argparse.Namespace
) -> Comparison:
    """Measure one network beside the formulas."""
    depth, width, image_size, batch = case
    network = find_network(f"resnet{depth}", width=width, num_classes=10, input_size=image_size)
    task = {
        "depth": depth,
        "width": width,
        "image_size": image_size,
        "batch": batch,
        "device": options.device,
        "threads": 1,
        "seconds": 1.0,
        "steps": 2,
    }
    measured = run_isolated(WORKER, task, 1)
    device = torch.device(options.device)
    return Comparison(
        network=network.name,
        width=width,
        image_size=image_size,
        batch=batch,
        memory_bytes=measured["memory_bytes"],
        formula_memory_bytes=count_step_memory(network, batch).total,
        step_seconds=measure_step_seconds(network, batch, device, steps=options.steps),
        formula_step_seconds=rates.seconds(count_step_work(network), batch),
    )


def print_comparisons(comparisons: list[Comparison]) -> None:
    """The table, and the errors over all."""
    columns = ["network", "width", "image", "batch", "memory, MB", "formula", "error, %"]
    columns += ["step, ms", "formula", "error, %"]
    rows = [
        [
            c.network,
            c.width,
            c.image_size,
            c.batch,
            f"{c.memory_bytes / 1e6:8,.0f}",
            f"{c.formula_memory_bytes / 1e6:8,.0f}",
            f"{c.memory_error_pct:+6.1f}",
            f"{1e3 * c.step_seconds:8,.0f}",
            f"{1e3 * c.formula_step_seconds:8,.0f}",
            f"{c.time_error_pct:+6.1f}",
        ]
        for c in comparisons
    ]
    print_table("the plan against this machine", columns, rows)
    errors = {
        "memory": [abs(c.memory_error_pct) for c in comparisons],
        "time": [abs(c.time_error_pct) for c in comparisons],
    }
    for quantity, values in errors.items():
        print_line(
            f"{quantity}: off by {median(values):.0f} % in the median, {mean(values):.0f} % in the "
            f"mean, {max(values):.0f} % at most (n = {len(values)})"
        )


def main() -> None:
    """Calibrate, compare, print, write."""
    options = parse_options()
    rates = calibrate(torch.device(options.device))
    comparisons = []
    for case in CASES[: options.cases]:
        print_message(f"resnet{case[0]}, {case[2]} pixels, batch {case[3]}")
        comparisons.append(compare(case, rates, options))
    print_comparisons(comparisons)
    if options.out is not None:
        document = {
            "rates": asdict(rates),
            "environment": describe_environment(torch.device(options.device)),
            "comparisons": [
                {
                    **asdict(c),
                    "memory_error_pct": c.memory_error_pct,
                    "time_error_pct": c.time_error_pct,
                }
                for c in comparisons
            ],
        }
        options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
