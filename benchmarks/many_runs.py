"""What each way of carrying out many runs costs beside the runs themselves.

    python benchmarks/many_runs.py --rounds 5 --out many_runs.json

Every round carries out the same short runs once in each way, in turn, so that other work on the
machine weighs on all alike; each way is then compared with `here` in the same round. `ray` joins a
cluster that stands already; `ray, started` starts one of this machine alone and ends it.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from reslab.cli.output import print_message, print_table
from reslab.runs.executor import Executor, count_cores
from reslab.runs.executors.here import ThisProcess
from reslab.runs.executors.processes import LocalProcesses
from reslab.runs.executors.ray_cluster import connect
from reslab.runs.executors.ray_executor import RayExecutor
from reslab.studies.carry_out import RunStore, carry_out
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.training.run_config import ExecutionConfig

WAYS = ("here", "processes", "processes, one at a time", "ray", "ray, started")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    runs = plan(arguments.runs, arguments.steps)
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for index in range(arguments.rounds):
        # Another first one each round.
        for way in WAYS[index % len(WAYS) :] + WAYS[: index % len(WAYS)]:
            seconds[way].append(measure(way, runs))
            print_message(f"round {index + 1}: {way} {seconds[way][-1]:.2f} s")
    rows = [summarise(way, seconds) for way in WAYS]
    columns = ["way", "median s", "from", "to", "beside here", "n"]
    title = f"{len(runs)} runs of {arguments.steps} steps, {count_cores()} cores"
    print_table(title, columns, rows)
    if arguments.out is not None:
        arguments.out.write_text(json.dumps({"title": title, "seconds": seconds}, indent=2) + "\n")


def plan(count: int, steps: int) -> list[PlannedRun]:
    """Short runs of a small net on digits."""
    setting = StudySetting(data="digits", steps=steps, seeds=count, width=4)
    execution = ExecutionConfig(device="cpu", threads=1)
    return [
        replace(run, config=replace(run.config, execution=execution))
        for run in setting.plan_seeds("resnet8")
    ]


def measure(way: str, runs: Sequence[PlannedRun]) -> float:
    """Seconds until all runs have ended."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if way == "ray":
            stack.enter_context(connect(None))
        started_at = time.perf_counter()
        executor = MAKERS[way]()
        carry_out(runs, RunStore(Path(folder)), executor)
        executor.close()
        return time.perf_counter() - started_at


MAKERS: dict[str, Callable[[], Executor]] = {
    "here": ThisProcess,
    "processes": lambda: LocalProcesses(count_cores()),
    "processes, one at a time": lambda: LocalProcesses(1),
    "ray": RayExecutor,
    "ray, started": RayExecutor,
}


def summarise(way: str, seconds: dict[str, list[float]]) -> list[str | int]:
    """A row of the table; the ratio is the median over rounds."""
    own = seconds[way]
    ratios = [mine / here for mine, here in zip(own, seconds["here"], strict=True)]
    return [
        way,
        f"{statistics.median(own):.2f}",
        f"{min(own):.2f}",
        f"{max(own):.2f}",
        f"{statistics.median(ratios):.2f}",
        len(own),
    ]


if __name__ == "__main__":
    main()
