"""Table 6 on one GPU: plain and residual nets, all seeds of a net at once, as far as time goes."""

import argparse
import signal
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from reslab.cli.output import print_message
from reslab.data.config import DataConfig
from reslab.networks.catalogue import cifar_name, find_network
from reslab.runs.directory import RunDirectory
from reslab.studies.carry_out import RunStore
from reslab.studies.published import TABLE_6
from reslab.training.loop import Observer
from reslab.training.opening import load_named
from reslab.training.plan import plan_run
from reslab.training.run_config import ExecutionConfig, RunConfig
from reslab.training.together import Place, train_together

KINDS = ("resnet", "plain")
# For checkpoints of all runs of a net to be written.
CLOSING_SECONDS = 20.0


def plan_table(options: argparse.Namespace, data_root: str) -> dict[str, list[RunConfig]]:
    """By net, one run a seed; shallow nets first, so that whole rows are soon there."""
    execution = ExecutionConfig(
        device=options.device,
        threads=1,
        data_root=data_root,
        compile=options.table_compile,
    )
    names = [cifar_name(kind, depth) for depth in options.depths for kind in KINDS]
    return {
        name: [
            plan_run(
                find_network(name),
                DataConfig(name="cifar10"),
                steps=options.table_steps,
                seed=seed,
                execution=execution,
                recipe_changes={"precision": options.precision, "batch_size": options.batch},
            )
            for seed in range(options.seeds)
        ]
        for name in names
    }


def train_table(options: argparse.Namespace, data_root: str, until: float) -> None:
    """Train what is missing of the table until a moment of `time.monotonic`.

    The runs lie where `reslab study depth --runs` finds them.
    """
    torch.backends.cudnn.benchmark = options.cudnn_benchmark
    table = plan_table(options, data_root)
    dataset = load_named(next(iter(table.values()))[0])
    stop_at = until - CLOSING_SECONDS

    def stop_in_time(_done: int, _steps: int) -> None:
        if time.monotonic() > stop_at:
            # Heard between two steps: all runs save their state and end as stopped.
            signal.raise_signal(signal.SIGTERM)

    for name, configs in table.items():
        if time.monotonic() > stop_at:
            return
        runs = [_find(options.out, config) for config in configs]
        if all(run.result_path.is_file() for run in runs):
            continue
        places = [Place(c, run.path) for c, run in zip(configs, runs, strict=True)]
        print_message(f"Table 6: {name}, {len(places)} runs at once")
        train_together(places, observer=Observer(on_step=stop_in_time), dataset=dataset)


def _find(out: Path, config: RunConfig) -> RunDirectory:
    return RunStore(out / "runs").locate(config)


def list_rows(options: argparse.Namespace, data_root: str) -> list[list[Any]]:
    """One row a net: runs finished, test error of all seeds, the best, the paper's, hours."""
    published = {number.label: number.value for number in TABLE_6}
    rows: list[list[Any]] = []
    for name, configs in plan_table(options, data_root).items():
        results = [_find(options.out, config).read_result() for config in configs]
        ended = [result for result in results if result is not None]
        errors = [r["test_error_pct"] for r in ended if r["test_error_pct"] is not None]
        row: list[Any] = [name, f"{len(ended)} of {len(configs)}"]
        # By hand, as a GPU machine may well be without SciPy, which reslab's own statistics need.
        spread = f" ± {stdev(errors):.2f}" if len(errors) > 1 else ""
        row += [f"{mean(errors):.2f}{spread}", f"{min(errors):.2f}"] if errors else ["", ""]
        row.append(published.get(name))
        row.append(f"{max(r['elapsed_seconds'] for r in ended) / 60:.1f}" if ended else "")
        rows.append(row)
    return rows
