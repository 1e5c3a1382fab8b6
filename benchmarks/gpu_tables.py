"""The tables of `gpu_training.py`, from whatever parts have been measured."""

import argparse
from statistics import median
from typing import Any

from gpu_floors import compute_floor
from gpu_parts import Parts
from training_worker import Task

from reslab.cli.output import print_line, print_table
from reslab.networks.catalogue import find_network
from reslab.training.recipe import PAPER_STEPS

Found = dict[str, list[dict[str, Any]]]
"""By part, one result a round."""

# Seconds for the paper's budget that the project aims at on one H200.
AIMS = {"resnet20": 40, "resnet56": 110, "resnet110": 220}
TABLE_DEPTHS = (20, 32, 44, 56, 110)
COLUMNS = (
    "variant", "step, images/s", "end to end, images/s", "ratio", "arithmetic, ms", "memory, ms",
    "step, ms", "over floor", "64k steps, s", "GPU memory, MB",
)  # fmt: skip


def show(options: argparse.Namespace, parts: Parts, found: Found) -> None:
    """All tables that can be made by now."""
    for name, rounds in found.items():
        if "not_offered" in rounds[0]:
            print_line(f"{name}: {rounds[0]['not_offered']}")
    usable = {name: r for name, r in found.items() if "not_offered" not in r[0] and name in parts}
    if "machine/peaks" not in usable:
        print_line("nothing is measured yet: the same command goes on")
        return
    peaks = usable["machine/peaks"][0]
    show_peaks(peaks)
    for network in filter(None, [*options.networks.split(","), options.imagenet]):
        show_network(network, parts, peaks, of_group(usable, network))
    show_packing(of_group(usable, "packing"))
    show_projection(options, usable)


def of_group(found: Found, group: str) -> Found:
    """The parts of one group, by variant."""
    prefix = f"{group}/"
    return {k.removeprefix(prefix): v for k, v in found.items() if k.startswith(prefix)}


def show_peaks(peaks: dict[str, Any]) -> None:
    """What the machine reached itself."""
    rows = [
        [f"product, {precision}", f"{2e-12 * rate:,.2f} TFLOP/s"]
        for precision, rate in peaks["macs_per_second"].items()
    ]
    rows += [
        [f"copy of {int(size) / 2**20:,.0f} MiB", f"{rate / 1e9:,.0f} GB/s read and written"]
        for size, rate in peaks["copied_bytes_per_second"].items()
    ]
    print_table("the machine's own peaks", ["what", "rate"], rows)


def show_network(network: str, parts: Parts, peaks: dict[str, Any], variants: Found) -> None:
    """Every way to take a step, beside the floors, the first variant that was measured, the aim."""
    if not variants:
        return
    base = seconds_of(next(iter(variants.values())))
    rows = [
        list_cells(name, parts[f"{network}/{name}"], peaks, rounds, base)
        for name, rounds in variants.items()
    ]
    aim = f"; aim: {AIMS[network]} s for 64k steps" if network in AIMS else ""
    batch = parts[f"{network}/{next(iter(variants))}"]["batch"]
    print_table(
        f"{network}, batch {batch}, ratios to {next(iter(variants))}{aim}", list(COLUMNS), rows
    )


def list_cells(
    name: str, task: Task, peaks: dict[str, Any], rounds: list[dict[str, Any]], base: float
) -> list[Any]:
    """One row of a network's table; reslab's alone have floors, their precision being known."""
    seconds, step = seconds_of(rounds), seconds_of(rounds, "step_seconds")
    floors: list[Any] = [None, None, f"{1e3 * step:.3f}", None]
    if task["settings"]:
        precision = task["settings"]["precision"]
        floor = compute_floor(find_network(task["network"]), task["batch"], precision, peaks)
        floors[0] = f"{1e3 * floor.arithmetic_seconds:.3f}"
        floors[1] = f"{1e3 * floor.memory_seconds:.3f}"
        floors[3] = f"{step / floor.seconds:.1f}× {floor.bound_by}"
    memory = max((r.get("gpu_memory_bytes", 0) for r in rounds), default=0)
    rates = [f"{task['batch'] / s:,.0f}" for s in (step, seconds)]
    lasting = f"{PAPER_STEPS * seconds:,.0f}"
    return [name, *rates, f"{base / seconds:.2f}", *floors, lasting, round(memory / 1e6) or None]


def show_packing(packing: Found) -> None:
    """Several runs at once, beside one after another."""
    if "streams 1" not in packing:
        return
    alone = seconds_of(packing["streams 1"])
    rows = [
        [name, f"{1e3 * seconds_of(rounds):.3f}", f"{alone / seconds_of(rounds):.2f}"]
        for name, rounds in packing.items()
    ]
    columns = ["runs at once", "ms for a step of any", "times one after another"]
    print_table("packing: streams in one process, or processes", columns, rows)


def show_projection(options: argparse.Namespace, found: Found) -> None:
    """Table 6 from measured steps: linear in depth, plain nets as residual ones."""
    alone: dict[int, float] = {}
    for network in options.networks.split(","):
        captured = [r for name, r in of_group(found, network).items() if "captured" in name]
        if captured:
            alone[int(network.removeprefix("resnet"))] = min(map(seconds_of, captured))
    packing = of_group(found, "packing")
    if len(alone) < 2 or "streams 1" not in packing:
        return
    gain = seconds_of(packing["streams 1"]) / min(map(seconds_of, packing.values()))
    steps = 2 * options.seeds * PAPER_STEPS
    hours = steps * sum(extrapolate(alone, depth) for depth in TABLE_DEPTHS) / 3600
    print_line(
        f"Table 6 ({len(TABLE_DEPTHS)} depths, plain and residual, {options.seeds} seeds), "
        f"projected: {hours:.2f} h one after another, {hours / gain:.2f} h if packing makes every "
        f"net {gain:.2f} times as fast, as it does {options.networks.split(',')[0]}"
    )


def extrapolate(seconds: dict[int, float], depth: int) -> float:
    """On the least-squares line through the measured depths."""
    n = len(seconds)
    mean_depth, mean_seconds = sum(seconds) / n, sum(seconds.values()) / n
    spread = sum((d - mean_depth) ** 2 for d in seconds)
    slope = sum((d - mean_depth) * (s - mean_seconds) for d, s in seconds.items()) / spread
    return mean_seconds + slope * (depth - mean_depth)


def seconds_of(rounds: list[dict[str, Any]], key: str = "end_to_end_seconds") -> float:
    """Median over the rounds of a step's time, the one asked for where it was measured."""
    return float(median(r[key] or r["step_seconds"] or r["end_to_end_seconds"] for r in rounds))
