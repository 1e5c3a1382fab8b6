"""`reslab runs`: all runs below a folder, as a table."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

from reslab.cli.options import Flag, Texts
from reslab.cli.output import print_json, print_line, print_table
from reslab.errors import ConfigError
from reslab.runs.index import list_runs
from reslab.runs.summary import RUN_STATES, RunSummary

Order = Literal["name", "network", "state", "step", "train_error", "test_error", "age"]


def _train_error(run: RunSummary) -> float | None:
    """Of the training set; while that has not been evaluated, of the last batches."""
    return run.running_train_error_pct if run.train_error_pct is None else run.train_error_pct


SORT_KEYS: dict[Order, Callable[[RunSummary], Any]] = {
    "name": lambda run: run.name,
    "network": lambda run: run.network,
    "state": lambda run: RUN_STATES.index(run.state),
    "step": lambda run: run.step,
    "train_error": _train_error,
    "test_error": lambda run: run.test_error_pct,
    "age": lambda run: -run.updated_at,
}
AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, kw_only=True)
class Runs:
    """List all runs below a folder: what each trains, how far it is, its errors and its state.

    Examples: `reslab runs out`, `reslab runs out --state running,stopped`,
    `reslab runs out --network 'resnet*' --sort test_error --limit 10`.
    """

    path: Positional[Path] = Path("out")
    """The folder; runs may lie anywhere in it."""
    network: str | None = None
    """Only networks of this name; `*` stands for anything."""
    data: str | None = None
    """Only runs on this data set; `*` stands for anything."""
    state: Texts = ()
    """Only runs in these states, separated by commas: finished, diverged, running, stopped,
    damaged."""
    sort: Order = "name"
    """What to sort by; what has no value comes last."""
    reverse: Flag = False
    """Sort from the highest down."""
    limit: int | None = None
    """Show the first so many."""
    json: Flag = False
    """Print the runs as one JSON object."""

    def run(self) -> int:
        """Read the folder and print its runs."""
        if unknown := set(self.state) - set(RUN_STATES):
            raise ConfigError(f"--state {', '.join(unknown)}: take {', '.join(RUN_STATES)}")
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"--limit is {self.limit}, must be at least 1")
        every = list_runs(self.path)
        found = self._sort([run for run in every if self._is_wanted(run)])
        shown = found[: self.limit]
        if self.json:
            print_json({"count": len(found), "runs": [_document(run) for run in shown]})
            return 0
        _print_runs(shown)
        print_line(f"\n{len(shown):,} of {len(every):,} runs in {self.path}")
        for run in shown:
            if run.problem is not None:
                print_line(f"{run.name}: {run.problem}")
        return 0

    def _is_wanted(self, run: RunSummary) -> bool:
        return (
            (not self.state or run.state in self.state)
            and (self.network is None or fnmatchcase(run.network or "", self.network))
            and (self.data is None or fnmatchcase(run.data or "", self.data))
        )

    def _sort(self, runs: Sequence[RunSummary]) -> list[RunSummary]:
        key = SORT_KEYS[self.sort]
        known = [run for run in runs if key(run) is not None]
        unknown = [run for run in runs if key(run) is None]
        return [*sorted(known, key=key, reverse=self.reverse), *unknown]


def _print_runs(runs: Sequence[RunSummary]) -> None:
    now = time.time()
    columns = ["run", "network", "data", "seed", "step", "training %", "test %", "state", "age"]
    rows = [
        [
            run.name,
            run.network,
            run.data,
            run.seed,
            None if run.steps is None else f"{run.step:,} of {run.steps:,}",
            _to_text(_train_error(run)),
            _to_text(run.test_error_pct),
            run.state,
            _describe_age(now - run.updated_at),
        ]
        for run in runs
    ]
    print_table("Runs", columns, rows)


def _to_text(error_pct: float | None) -> str | None:
    return None if error_pct is None else f"{error_pct:.2f}"


def _describe_age(seconds: float) -> str:
    for size, unit in AGES:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "now"


def _document(run: RunSummary) -> dict[str, Any]:
    return {**asdict(run), "path": str(run.path)}
