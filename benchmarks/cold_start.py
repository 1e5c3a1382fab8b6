"""How long it takes to begin: `python benchmarks/cold_start.py --rounds 7`.

Each start is a process of its own; in each round all take turns, and what a start takes beside
importing PyTorch is compared within the round. Seconds of CPU are shown beside those of the clock,
since other work on a shared machine lengthens the latter.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

NAMES = "import reslab\nfor name in reslab.__all__: getattr(reslab, name)"
STARTS = {
    "python": ("-c", "pass"),
    "import torch": ("-c", "import torch"),
    "import reslab": ("-c", "import reslab"),
    "import torch, reslab": ("-c", "import torch, reslab"),
    "import reslab and every public name": ("-c", NAMES),
    "reslab --help": ("-m", "reslab", "--help"),
}


def measure(arguments: tuple[str, ...]) -> tuple[float, float]:
    """Seconds of the clock and of CPU that one start takes."""
    before, started = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system
    return seconds, cpu - before.children_user - before.children_system


def main() -> None:
    """Print median and range of each start, and its ratio to importing PyTorch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    for arguments in STARTS.values():
        measure(arguments)  # the file cache is filled
    taken = [{name: measure(start) for name, start in STARTS.items()} for _ in range(rounds)]
    print("| start | seconds | CPU seconds | CPU, times import torch |\n| --- | --- | --- | --- |")
    for name in STARTS:
        clock = [one[name][0] for one in taken]
        cpu = [one[name][1] for one in taken]
        ratios = [one[name][1] / one["import torch"][1] for one in taken]
        print(f"| `{name}` | {describe(clock)} | {describe(cpu)} | {describe(ratios)} |")


def describe(values: list[float]) -> str:
    """`1.02 [0.98–1.10]`: median and range."""
    return f"{statistics.median(values):.2f} [{min(values):.2f}–{max(values):.2f}]"


if __name__ == "__main__":
    main()
