"""Runs killed at random moments, resumed, killed again, and compared with one never interrupted.

    python benchmarks/kills.py --kills 200 --out kills.json

A small run on the digits, which saves its state after every step, so that most of its time goes
into writing, is started in a process and sent SIGKILL after a random time between nothing and the
length of a whole run. The next process resumes it, and is killed likewise, until one reaches the
end before its time has come. What the run then leaves must be, bit by bit, what the uninterrupted
run left: weights, the last state, every measurement but the clock's, the result. The moments follow
from `--seed`; what was being done at each is read off what the process left behind.

The processes are forked from one that has imported PyTorch but computed nothing: that the import is
not repeated is all that sets them apart from `reslab train`.
"""

import argparse
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from reslab.cli.output import print_message, print_table
from reslab.data.config import DataConfig
from reslab.files.tensors import read_tensors
from reslab.runs.directory import RunDirectory
from reslab.training.checkpoint import list_checkpoints
from reslab.training.loop import train
from reslab.training.plan import plan_network, plan_run
from reslab.training.run_config import ExecutionConfig, RunConfig

TIMINGS = {"elapsed_seconds", "images_per_second"}
LIMIT_SECONDS = 120.0


@dataclass
class Tally:
    """What was seen so far."""

    kills: int = 0
    moments: dict[str, int] = field(default_factory=dict)
    """What the killed processes had been doing."""
    runs: int = 0
    """Runs that reached their end after at least one kill."""
    most_kills_of_a_run: int = 0
    different: list[str] = field(default_factory=list)
    """Where a run differs from the uninterrupted one."""


def plan(steps: int) -> RunConfig:
    """A run that writes far more than it computes."""
    data = DataConfig(name="digits")
    config = plan_run(
        plan_network("resnet8", data, width=4),
        data,
        steps=steps,
        execution=ExecutionConfig(device="cpu", threads=1),
    )
    recipe = replace(
        config.recipe,
        batch_size=8,
        evaluation_images=64,
        log_every_steps=1,
        checkpoint_every_steps=1,
        train_error_every_steps=5,
    )
    return replace(config, recipe=recipe)


def start(config: RunConfig, folder: Path) -> multiprocessing.context.ForkProcess:
    """Train in a process of its own."""
    process = multiprocessing.get_context("fork").Process(
        target=train, args=(config, folder), kwargs={"resume": True}
    )
    process.start()
    return process


def finish(process: multiprocessing.context.ForkProcess) -> None:
    """Wait for a process that is to end by itself."""
    process.join(LIMIT_SECONDS)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"a run did not end within {LIMIT_SECONDS:.0f} seconds")
    if process.exitcode:
        raise RuntimeError(f"a run ended with exit code {process.exitcode}")


def kill_and_resume(
    config: RunConfig, folder: Path, moments: Iterator[float], wanted: int, tally: Tally
) -> int:
    """Kill one run again and again until it reaches its end; returns how often it was killed."""
    for kills in range(wanted):
        process = start(config, folder)
        process.join(next(moments))
        if process.exitcode is not None:
            finish(process)
            return kills
        process.kill()
        process.join()
        moment = describe_moment(folder)
        tally.moments[moment] = tally.moments.get(moment, 0) + 1
    finish(start(config, folder))
    return wanted


def describe_moment(folder: Path) -> str:
    """What a process did when it was killed, by what it left."""
    parts = sorted(folder.rglob(".*.part"))
    if parts:
        name = parts[0].name.split(".")[1]
        return f"writing {'a checkpoint' if name.startswith('step-') else name}"
    run = RunDirectory(folder)
    if not run.exists():
        return "before the run had begun"
    records = run.read_metrics()
    measured = records[-1]["step"] if records else 0
    checkpoints = list_checkpoints(run.checkpoints_path)
    if len(checkpoints) > 2:
        return "removing the oldest checkpoint"
    saved = int(checkpoints[0].stem.removeprefix("step-")) if checkpoints else 0
    if measured > saved:
        return "between a measurement and its checkpoint"
    if run.weights_path.exists():
        return "between weights and result"
    return "computing, or reading on resuming"


def find_differences(folder: Path, whole: Path) -> list[str]:
    """In what a run differs from the uninterrupted one."""
    ours, theirs = RunDirectory(folder), RunDirectory(whole)
    newest = [list_checkpoints(run.checkpoints_path) for run in (ours, theirs)]
    equal = {
        "weights": ours.weights_path.read_bytes() == theirs.weights_path.read_bytes(),
        "measurements": _measurements(ours) == _measurements(theirs),
        "result": _without_timings(ours.read_result()) == _without_timings(theirs.read_result()),
        "checkpoints": [p.name for p in newest[0]] == [p.name for p in newest[1]],
        "last state": _equal_states(newest[0][0], newest[1][0]),
        "files": _names(folder) == _names(whole),
    }
    return [name for name, is_equal in equal.items() if not is_equal]


def _measurements(run: RunDirectory) -> list[dict[str, Any]]:
    return [_without_timings(record) for record in run.read_metrics()]


def _without_timings(document: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (document or {}).items() if key not in TIMINGS}


def _equal_states(ours: Path, theirs: Path) -> bool:
    (a, a_document), (b, b_document) = read_tensors(ours), read_tensors(theirs)
    differing = {"elapsed_seconds", "digest"}
    documents = [
        {k: v for k, v in d.items() if k not in differing} for d in (a_document, b_document)
    ]
    same = a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
    return same and documents[0] == documents[1]


def _names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def measure(kills: int, steps: int, seed: int, folder: Path) -> dict[str, Any]:
    """Kill until `kills` processes have been killed."""
    config = plan(steps)
    began = time.monotonic()
    finish(start(config, folder / "whole"))
    whole_seconds = time.monotonic() - began
    generator = random.Random(seed)  # noqa: S311
    moments = iter(lambda: generator.uniform(0, whole_seconds), None)
    tally = Tally()
    while tally.kills < kills:
        run = folder / f"run{tally.runs}"
        killed = kill_and_resume(config, run, moments, kills - tally.kills, tally)
        tally.kills += killed
        tally.runs += killed > 0
        tally.most_kills_of_a_run = max(tally.most_kills_of_a_run, killed)
        tally.different += [
            f"{run.name}: {name}" for name in find_differences(run, folder / "whole")
        ]
        print_message(f"{tally.kills} kills, {tally.runs} runs, {len(tally.different)} differences")
    return {
        "steps": steps,
        "seed": seed,
        "whole_seconds": whole_seconds,
        "seconds": time.monotonic() - began,
        **asdict(tally),
    }


def main() -> int:
    """Measure, print, and tell by the exit code whether all runs were equal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="file for the figures as JSON")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="reslab-kills-") as folder:
        found = measure(options.kills, options.steps, options.seed, Path(folder))
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    by_count = sorted(found["moments"].items(), key=lambda pair: -pair[1])
    rows = [[moment, count] for moment, count in by_count]
    print_table(f"{found['kills']} kills", ["when the process was killed", "kills"], rows)
    print_message(f"{found['runs']} runs, different: {found['different'] or 'none'}")
    return 1 if found["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
