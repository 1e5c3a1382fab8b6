"""Training on one GPU: its floors, every way to take a step, several runs at once, and Table 6.

    python benchmarks/gpu_training.py --out OUT --data-root CIFAR --minutes 9

Each part is measured in a process of its own and kept in OUT/progress.json as soon as it is there,
so the same command goes on where time ran out, and prints at its end all that is known by then.
When nothing is left to measure it trains Table 6, likewise. `--smoke` does all of it on a CPU with
sizes that mean nothing.
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from gpu_parts import PRECISIONS, Parts, plan_parts
from gpu_table6 import list_rows, train_table
from gpu_tables import TABLE_DEPTHS, Found, show
from isolated import run_isolated
from synthetic import write_synthetic_cifar

from reslab.cli.output import print_line, print_message, print_table
from reslab.files.documents import read_json, write_json
from reslab.runs.environment import describe_environment
from reslab.training.recipe import PAPER_STEPS

WORKER = Path(__file__).with_name("training_worker.py")
SMOKE = {
    "device": "cpu", "networks": "resnet8", "imagenet": "resnet18", "imagenet_batch": 1,
    "packing": [1, 2], "steps": 2, "baseline_steps": 1, "warm_up_steps": 1, "batch": 8,
    "loaders": 0, "peak_seconds": 0.01, "no_compile": True, "depths": [8], "seeds": 2,
    "table_steps": 1, "precision": "float32", "precisions": ["bfloat16"],
}  # fmt: skip


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of progress and runs")
    parser.add_argument("--data-root", help="folder of CIFAR-10's binary files; noise without one")
    parser.add_argument("--minutes", type=float, default=9.0, help="that this call may take")
    parser.add_argument("--part-seconds", type=float, default=100.0, help="no part begins later")
    parser.add_argument("--retry", action="store_true", help="parts that failed before")
    parser.add_argument("--phase", choices=("measure", "table6", "all", "show"), default="all")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--networks", default="resnet20,resnet56,resnet110")
    parser.add_argument("--imagenet", default="resnet50-v1.5", help="empty for none")
    parser.add_argument("--imagenet-batch", type=int, default=256)
    parser.add_argument("--akamaster", metavar="DIR", help="checkout of pytorch_resnet_cifar10")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=1000, help="measured of each variant")
    parser.add_argument("--baseline-steps", type=int, default=300)
    parser.add_argument("--warm-up-steps", type=int, default=100)
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--packing", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--loaders", type=int, default=8, help="processes of the common DataLoader")
    parser.add_argument("--peak-seconds", type=float, default=1.0)
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--cudnn-benchmark", action="store_true", help="let cuDNN try its kernels")
    parser.add_argument("--depths", type=int, nargs="+", default=list(TABLE_DEPTHS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--table-steps", type=int, default=PAPER_STEPS)
    parser.add_argument("--table-compile", choices=("never", "always"), default="never")
    parser.add_argument("--precision", default="bfloat16", help="of Table 6")
    parser.add_argument("--smoke", action="store_true", help="tiny, on a CPU")
    if "--smoke" in sys.argv:
        parser.set_defaults(**SMOKE)
    return parser.parse_args()


class Progress:
    """What has been measured so far, in a file.

    Args:
        path: the file; made when the first part is there.
        device: of the measurements.

    Raises:
        SystemExit: if the file holds measurements of another device or PyTorch.
    """

    def __init__(self, path: Path, device: str) -> None:
        self.path = path
        self.environment = describe_environment(torch.device(device))
        self.found: Found = {}
        if path.is_file():
            stored = read_json(path)
            self.found = stored["parts"]
            before, now = (_name_machine(e) for e in (stored["environment"], self.environment))
            if before != now:
                raise SystemExit(f"{path} was measured on {before}, this is {now}: choose --out")

    def forget_failures(self) -> None:
        """So that they are tried again."""
        self.found = {k: v for k, v in self.found.items() if "not_offered" not in v[0]}

    def add(self, part: str, result: dict[str, Any]) -> None:
        """Keep one result, at once."""
        result = {**result, "commit": self.environment["commit"]}
        self.found.setdefault(part, []).append(result)
        write_json(self.path, {"environment": self.environment, "parts": self.found})


def _name_machine(environment: dict[str, Any]) -> str:
    return f"{environment['device']} with torch {environment['packages']['torch']}"


def measure(options: argparse.Namespace, parts: Parts, progress: Progress, until: float) -> bool:
    """Measure what is missing, round by round; returns whether all of it is there."""
    for done in range(options.rounds):
        for name, task in parts.items():
            if len(progress.found.get(name, [])) > done:
                continue
            if time.monotonic() > until - options.part_seconds:
                return False
            print_message(f"round {done + 1} of {options.rounds}: {name}")
            try:
                progress.add(name, run_isolated(WORKER, task, task["threads"]))
            except SystemExit as error:
                # The other parts are worth having all the same.
                progress.add(name, {"not_offered": str(error)})
    return True


def main() -> None:
    """Go on, for as long as there is time, and show what is there."""
    options = parse_options()
    until = time.monotonic() + 60 * options.minutes
    options.out.mkdir(parents=True, exist_ok=True)
    progress = Progress(options.out / "progress.json", options.device)
    if options.retry:
        progress.forget_failures()
    with TemporaryDirectory() as folder:
        data_root = options.data_root or folder
        if options.data_root is None:
            write_synthetic_cifar(Path(folder))
        parts = plan_parts(options, data_root)
        complete = options.phase == "table6"
        if options.phase in ("measure", "all"):
            complete = measure(options, parts, progress, until)
        if options.phase in ("table6", "all") and complete:
            train_table(options, data_root, until)
        show(options, parts, progress.found)
        columns = ["net", "runs", "test error, %", "best", "paper", "minutes"]
        print_table("Table 6", columns, list_rows(options, data_root))
    if not complete:
        print_line("not everything is measured yet: the same command goes on")


if __name__ == "__main__":
    main()
