"""Images per second of training: reslab beside other people's networks in the common loop.

    python benchmarks/training.py --out training.json --figure training.png
    python benchmarks/training.py --study --networks resnet20 --runs 4 --out study.json

Each measurement is a process of its own, and in each round all take turns, so that a busy machine
slows all of them alike: compare ratios, which are taken within each round.

`step` is forward, backward and update; reslab's includes taking the batch and augmenting it, the
baselines' does not. `end to end` adds data, augmentation, logging, a checkpoint, and evaluating in
the paper's proportion (20 times 60,000 images in 64,000 steps of 128). Networks of the ImageNet
family are measured by the step alone, on synthetic images. `start` is what comes before: reading
the data, compiling. Baselines differ from what their authors run as the output says.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib as mpl
import torch
from isolated import run_isolated
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from synthetic import write_synthetic_cifar
from training_baselines import DIFFERENCES

from reslab.cli.output import print_line, print_message, print_table
from reslab.networks.catalogue import find_network
from reslab.networks.complexity import describe_network
from reslab.report.palette import COLOURS
from reslab.report.still import STYLE
from reslab.runs.environment import describe_environment
from reslab.runs.executor import count_cores

WORKER = Path(__file__).with_name("training_worker.py")
PAPER_STEPS = 64_000
# Output, gradient of the input, gradient of the weights.
PASSES = 3

Results = dict[str, list[dict[str, Any]]]
"""By variant, one result a round."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A figure over the rounds."""

    median: float
    low: float
    high: float

    def to_text(self, digits: int = 0) -> str:
        """`median [low–high]`."""
        return f"{self.median:,.{digits}f} [{self.low:,.{digits}f}–{self.high:,.{digits}f}]"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One variant of one network."""

    network: str
    variant: str
    step: Spread | None
    """Images a second of the step alone."""
    step_ratio: Spread | None
    """Of the baseline's."""
    end_to_end: Spread | None
    end_to_end_ratio: Spread | None
    peak_pct: Spread
    """Of the machine's fastest matrix product, by the faster of the two figures above."""
    start_seconds: float
    budget_hours: float
    """The paper's 64,000 steps at this speed, with the start."""
    memory_bytes: int | None
    gpu_memory_bytes: int | None


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default="resnet20,resnet56,resnet110", help="with commas")
    parser.add_argument("--baselines", default="akamaster,common,transformers,torchvision")
    parser.add_argument("--akamaster", metavar="DIR", help="checkout of pytorch_resnet_cifar10")
    parser.add_argument(
        "--ours",
        action="append",
        metavar="NAME[:FIELD=VALUE,…]",
        help="a variant of reslab, with fields of its ExecutionConfig or Recipe, such as "
        "fast:ranks=2,batch_parts=2,compile=always; may be repeated",
    )
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=count_cores())
    parser.add_argument("--loaders", type=int, default=2, help="processes of the common DataLoader")
    parser.add_argument("--autocast", action="store_true", help="baselines and peak in bfloat16")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--steps", type=int, default=30, help="of ResNet-20 in a round; others take in proportion"
    )
    parser.add_argument("--warm-up-steps", type=int, default=2)
    parser.add_argument("--least", type=int, default=3, help="steps measured for each warm-up step")
    parser.add_argument("--data", choices=("synthetic", "cifar10"), default="synthetic")
    parser.add_argument("--data-root", help="folder of the official binary files of CIFAR-10")
    parser.add_argument("--study", action="store_true", help="many runs: one a core")
    parser.add_argument("--runs", type=int, default=2 * count_cores(), help="of the study")
    parser.add_argument("--peak-seconds", type=float, default=2.0)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--figure", type=Path, help="PNG file to write")
    options = parser.parse_args()
    if options.data == "cifar10" and options.data_root is None:
        parser.error("--data cifar10 needs --data-root DIR")
    return options


def choose_ours(options: argparse.Namespace) -> list[str]:
    """The ways in which reslab trains on a device, where none is asked for."""
    if options.device != "cpu" or options.study or options.threads == 1:
        return ["reslab:compile=never", "reslab compiled:compile=always"]
    n = options.threads
    ranks = f"ranks={n},batch_parts={n},threads=1"
    return [
        "reslab:compile=never",
        f"reslab {n} ranks:compile=never,{ranks}",
        f"reslab {n} ranks compiled:compile=always,{ranks}",
    ]


def parse_settings(text: str) -> tuple[str, dict[str, Any]]:
    """`name:field=value,…`; values are JSON, or else words."""
    name, _, rest = text.partition(":")
    settings = {}
    for pair in filter(None, rest.split(",")):
        field, _, value = pair.partition("=")
        try:
            settings[field] = json.loads(value)
        except ValueError:
            settings[field] = value
    return name, settings


def plan_tasks(options: argparse.Namespace, network: str, data_root: str) -> dict[str, Any]:
    """What to measure of one network: a task for each variant."""
    common = {
        "network": network,
        "data_root": data_root,
        "warm_up_steps": options.warm_up_steps,
        "steps": count_steps(options, network),
        **{
            name: getattr(options, name)
            for name in ("akamaster", "autocast", "batch", "device", "loaders", "threads")
        },
    }
    in_memory = " in memory" if find_network(network).stem == "imagenet" else ""
    tasks = {
        name: {**common, "measure": f"baseline{in_memory}", "baseline": name}
        for name in options.baselines.split(",")
        if name != "akamaster" or options.akamaster
    }
    for name, settings in map(parse_settings, options.ours or choose_ours(options)):
        tasks[name] = {**common, "measure": f"ours{in_memory}", "settings": settings}
        if options.study:
            study = {"measure": "study", "runs": options.runs, "workers": count_cores()}
            tasks[f"{name}, a run on each core"] = {**tasks[name], "threads": 1, **study}
    for task in tasks.values():
        task.setdefault("settings", {})
    return tasks


def count_steps(options: argparse.Namespace, network: str) -> int:
    """About as much work as `--steps` of ResNet-20, so that every network is measured as long.

    A whole multiple of the warm-up, so that the log's records fall on both of its ends.
    """
    macs = [describe_network(find_network(name)).macs for name in ("resnet20", network)]
    steps = options.steps * macs[0] / macs[1]
    warm_ups: int = max(options.least, round(steps / options.warm_up_steps))
    return warm_ups * int(options.warm_up_steps)


def measure_network(options: argparse.Namespace, network: str, data_root: str) -> Results:
    """All rounds of one network."""
    tasks = plan_tasks(options, network, data_root)
    peak = {
        "measure": "peak",
        **{name: getattr(options, name) for name in ("autocast", "device", "peak_seconds")},
        "threads": options.threads,
    }
    results: Results = {name: [] for name in ("peak", *tasks)}
    for done in range(options.rounds):
        for name, task in {"peak": peak, **tasks}.items():
            if results[name] and "not_offered" in results[name][0]:
                continue
            print_message(f"{network}, round {done + 1} of {options.rounds}: {name}")
            results[name].append(run_isolated(WORKER, task, task["threads"]))
    for name in tasks:
        if "not_offered" in results[name][0]:
            print_message(f"{network}: {results.pop(name)[0]['not_offered']}")
    return results


def summarise(network: str, batch: int, results: Results) -> list[Row]:
    """A row for each variant; the first is the baseline of the ratios."""
    macs = describe_network(find_network(network)).macs
    peaks = [round_["macs_per_second"] for round_ in results["peak"]]
    variants = {name: rounds for name, rounds in results.items() if name != "peak"}
    reference = next(iter(variants.values()))
    return [
        summarise_variant(
            network, name, batch, rounds, reference, [macs * PASSES / p for p in peaks]
        )
        for name, rounds in variants.items()
    ]


def summarise_variant(
    network: str,
    variant: str,
    batch: int,
    rounds: list[dict[str, Any]],
    reference: list[dict[str, Any]],
    floors: list[float],
) -> Row:
    """One row; `floors` are the seconds of an image at the machine's peak, in each round."""
    rates = {key: rates_of(rounds, key, batch) for key in ("step_seconds", "end_to_end_seconds")}
    base = {key: rates_of(reference, key, batch) for key in rates}
    fastest = rates["step_seconds"] or rates["end_to_end_seconds"]
    start_seconds = median(round_["start_seconds"] for round_ in rounds)
    lasting = spread(rates["end_to_end_seconds"] or rates["step_seconds"])
    memory = [r["tree_memory_bytes"] for r in rounds if r["tree_memory_bytes"]]
    on_gpu = [round_["gpu_memory_bytes"] for round_ in rounds if "gpu_memory_bytes" in round_]
    return Row(
        network=network,
        variant=variant,
        step=spread(rates["step_seconds"]),
        step_ratio=spread(divide(rates["step_seconds"], base["step_seconds"])),
        end_to_end=spread(rates["end_to_end_seconds"]),
        end_to_end_ratio=spread(divide(rates["end_to_end_seconds"], base["end_to_end_seconds"])),
        peak_pct=require(spread([100 * r * f for r, f in zip(fastest, floors, strict=True)])),
        start_seconds=start_seconds,
        budget_hours=(PAPER_STEPS * batch / require(lasting).median + start_seconds) / 3600,
        memory_bytes=max(memory, default=None),
        gpu_memory_bytes=max(on_gpu, default=None),
    )


def rates_of(rounds: list[dict[str, Any]], key: str, batch: int) -> list[float]:
    """Images a second of each round; empty where that was not measured."""
    return [batch / round_[key] for round_ in rounds if round_[key] is not None]


def divide(rates: list[float], base: list[float]) -> list[float]:
    """Ratios round by round; empty where either is."""
    if not rates or not base:
        return []
    return [ours / theirs for ours, theirs in zip(rates, base, strict=True)]


def spread(values: list[float]) -> Spread | None:
    """Median and range; None of nothing."""
    if not values:
        return None
    return Spread(median=median(values), low=min(values), high=max(values))


def require(value: Spread | None) -> Spread:
    """A spread that was measured in any case."""
    if value is None:
        raise AssertionError("every variant has one of the two figures")
    return value


def print_rows(rows: list[Row], options: argparse.Namespace) -> None:
    """The table."""
    columns = ["network", "variant", "step, images/s", "ratio", "end to end, images/s", "ratio"]
    columns += ["% of peak", "start, s", "64k steps, h", "memory, MB"]
    cells = [
        [
            row.network,
            row.variant,
            row.step.to_text() if row.step else "",
            row.step_ratio.to_text(2) if row.step_ratio else "",
            row.end_to_end.to_text() if row.end_to_end else "",
            row.end_to_end_ratio.to_text(2) if row.end_to_end_ratio else "",
            row.peak_pct.to_text(),
            f"{row.start_seconds:.1f}",
            f"{row.budget_hours:.1f}",
            round((row.gpu_memory_bytes or row.memory_bytes or 0) / 1e6) or None,
        ]
        for row in rows
    ]
    title = f"training, batch {options.batch}, {options.device}, {options.threads} threads"
    print_table(f"{title}: median [range] of {options.rounds} rounds", columns, cells)


def draw(rows: list[Row], path: Path) -> None:
    """Bars of the end-to-end speed (of the step, where there is no other) with their range."""
    networks = list(dict.fromkeys(row.network for row in rows))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.6 * len(networks), 3.2), layout="constrained")
        panels = figure.subplots(1, len(networks), squeeze=False)[0]
        for axes, network in zip(panels, networks, strict=True):
            draw_network(axes, [row for row in rows if row.network == network])
            axes.set_title(network)
        figure.savefig(path, dpi=160)


def draw_network(axes: Axes, rows: list[Row]) -> None:
    """One panel."""
    colours = dict(zip(dict.fromkeys(row.variant for row in rows), COLOURS * 3, strict=False))
    for i, row in enumerate(rows):
        rate = require(row.end_to_end or row.step)
        error = [[rate.median - rate.low], [rate.high - rate.median]]
        axes.barh(i, rate.median, xerr=error, color=colours[row.variant], capsize=3)
        ratio = row.end_to_end_ratio or row.step_ratio
        label = f" {ratio.median:.2f}×" if ratio else ""
        axes.text(rate.high, i, label, va="center")
    axes.set_yticks(range(len(rows)), [row.variant for row in rows])
    axes.invert_yaxis()
    axes.margins(x=0.15)
    measured = "end to end" if rows[0].end_to_end else "step alone"
    axes.set_xlabel(f"images/s, {measured}")


def main() -> None:
    """Measure, print, write, draw."""
    options = parse_options()
    rows: list[Row] = []
    raw: dict[str, Results] = {}
    with TemporaryDirectory() as folder:
        data_root = options.data_root or folder
        networks = options.networks.split(",")
        needs_files = any(find_network(name).stem == "cifar" for name in networks)
        if options.data == "synthetic" and needs_files:
            write_synthetic_cifar(Path(folder))
        for network in networks:
            raw[network] = measure_network(options, network, data_root)
            rows += summarise(network, options.batch, raw[network])
    print_rows(rows, options)
    peaks = [2 * r["macs_per_second"] / 1e9 for results in raw.values() for r in results["peak"]]
    peak = require(spread(peaks))
    print_line(f"\nthe machine's peak, a large matrix product: {peak.to_text()} GFLOP/s")
    used = [name for name in DIFFERENCES if any(row.variant == name for row in rows)]
    for name in used:
        print_line(f"{name}: {DIFFERENCES[name]}")
    if options.figure is not None:
        draw(rows, options.figure)
    if options.out is not None:
        document = {
            "options": {name: str(value) for name, value in vars(options).items()},
            "environment": describe_environment(torch.device(options.device)),
            "peak_gflops": asdict(peak),
            "differences": {name: DIFFERENCES[name] for name in used},
            "rows": [asdict(row) for row in rows],
            "rounds": raw,
        }
        options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
