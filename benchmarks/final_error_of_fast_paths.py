"""Whether training the fast way ends where training the simple way ends.

    python benchmarks/final_error_of_fast_paths.py --out OUT

trains a network from ten seeds by the simple path (eager, one process, float32) and by each fast
one that the machine has, and prints the difference of the mean final errors with Welch's 95 %
interval. Finished runs in OUT are not repeated.
"""

import argparse
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from reslab.analysis.statistics import compare_means, summarise
from reslab.cli.output import print_message, print_table
from reslab.files.documents import write_json
from reslab.runs.environment import describe_environment
from reslab.studies.setting import choose_setting
from reslab.training.loop import train
from reslab.training.result import RunResult
from reslab.training.run_config import RunConfig

SIMPLE = {"compile": "never", "capture": "never", "threads": 1}
ERRORS = ("train_error_pct", "test_error_pct")


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to train."""

    against: str
    """The simple way that it must agree with."""
    execution: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)


def list_ways(device: str) -> dict[str, Way]:
    """By name, the simple ones before what is compared with them."""
    parts = {"batch_parts": 2}
    ways = {
        "simple": Way(against="simple"),
        "compiled": Way(against="simple", execution={"compile": "always"}),
        "captured": Way(against="simple", execution={"capture": "always"}),
        "two parts": Way(against="two parts", recipe=parts),
    }
    if device == "cpu":
        ranks = Way(against="two parts", execution={"ranks": 2}, recipe=parts)
        return {**ways, "two ranks": ranks}
    rounded = {
        f"captured {precision}": Way(
            against="simple", execution={"capture": "always"}, recipe={"precision": precision}
        )
        for precision in ("tf32", "bfloat16")
    }
    return {**ways, **rounded}


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--network", default="resnet20")
    parser.add_argument("--steps", type=int, help="the budget `quick` by default")
    parser.add_argument("--width", type=int, help="8 by default")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--ways", nargs="+", help="all that the device has by default")
    options = parser.parse_args()
    unknown = set(options.ways or ()) - set(list_ways(options.device))
    if unknown:
        parser.error(f"--ways {min(unknown)}: choose of {', '.join(list_ways(options.device))}")
    return options


def plan_way(options: argparse.Namespace, way: Way) -> list[RunConfig]:
    """The runs of one way, as a study on digits plans them."""
    setting = choose_setting(
        "digits", "quick", steps=options.steps, seeds=options.seeds, width=options.width
    )
    execution = {**SIMPLE, "device": options.device, **way.execution}
    return [
        replace(run.config, execution=replace(run.config.execution, **execution))
        for run in setting.plan_seeds(options.network, **way.recipe)
    ]


def train_way(options: argparse.Namespace, name: str, way: Way) -> list[RunResult]:
    """All seeds of one way."""
    results = []
    for config in plan_way(options, way):
        folder = options.out / name.replace(" ", "-") / f"seed{config.seed}"
        results.append(train(config, folder, resume=True))
        print_message(f"{name}, seed {config.seed}: {results[-1].test_error_pct} %")
    return results


def compare(results: dict[str, list[RunResult]], ways: dict[str, Way]) -> list[dict[str, Any]]:
    """A row for each way: its errors, and their difference from the simple way's."""
    rows = []
    for name, ours in results.items():
        theirs = results[ways[name].against]
        row: dict[str, Any] = {"way": name, "against": ways[name].against, "n": len(ours)}
        for error in ERRORS:
            values = [[getattr(r, error) for r in runs] for runs in (theirs, ours)]
            row[error] = asdict(summarise(values[1]))
            row[f"{error}_difference"] = asdict(compare_means(*values))
        row["images_per_second"] = median(r.images_per_second for r in ours)
        rows.append(row)
    return rows


def list_cells(row: dict[str, Any]) -> list[Any]:
    """A row of the printed table."""
    cells: list[Any] = [row["way"], row["against"], row["n"]]
    for error in ERRORS:
        cells.append(f"{row[error]['mean']:.2f} ± {row[error]['std'] or 0:.2f}")
        difference = row[f"{error}_difference"]
        is_itself = row["way"] == row["against"] or difference["low"] is None
        cells.append(
            "" if is_itself else "{mean:+.2f} [{low:+.2f}, {high:+.2f}]".format(**difference)
        )
    return [*cells, f"{row['images_per_second']:,.0f}"]


def main() -> None:
    """Train, compare, print, write."""
    options = parse_options()
    ways = list_ways(options.device)
    if options.ways:
        needed = {*options.ways, *(ways[name].against for name in options.ways)}
        ways = {name: way for name, way in ways.items() if name in needed}
    results = {name: train_way(options, name, way) for name, way in ways.items()}
    rows = compare(results, ways)
    columns = ["way", "against", "n", "train error, %", "difference", "test error, %", "difference"]
    title = f"final errors of {options.network} on digits, differences with Welch's 95 % interval"
    print_table(title, [*columns, "images/s"], [list_cells(row) for row in rows])
    environment = describe_environment(torch.device(options.device))
    write_json(options.out / "final_errors.json", {"environment": environment, "rows": rows})


if __name__ == "__main__":
    main()
