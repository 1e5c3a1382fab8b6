"""`reslab sweep`: one network over a grid of settings and seeds."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import tyro

from reslab.cli.output import print_json, print_line, print_message, print_table
from reslab.cli.progress import open_meter
from reslab.cli.track_options import print_failures
from reslab.cli.train import Train
from reslab.cli.where_options import Where, WhereOptions, WhereOptionsInPlace
from reslab.errors import ConfigError
from reslab.files.documents import from_document, write_json

if TYPE_CHECKING:
    from reslab.runs.executor import Failed
    from reslab.studies.carry_out import RunStore, StudyProgress
    from reslab.studies.sweep import SweepRow, SweptRun
    from reslab.training.result import RunResult
    from reslab.training.run_config import RunConfig

# What says where and how runs are carried out, not what they are.
NOT_VARIED = {
    "out", "resume", "profile", "json", "download", "data_root", "cache", "workers", "device",
    "threads", "ranks", "gpus", "restarts", "compile", "recompute", "capture",
    "tracking",
}  # fmt: skip
TITLES = {
    "train_error_pct": "training error %",
    "validation_error_pct": "validation error %",
    "test_error_pct": "test error %",
}


@dataclass(frozen=True, kw_only=True)
class Sweep(Train):
    """Train a network with every combination of some settings, and sum up the seeds of each.

    Takes the options of `reslab train`, each of which can be varied. Runs that have finished are
    found again, and stopped ones go on, so the same command can be given again, with more values
    too. A run that fails keeps no other from being trained.
    Examples: `reslab sweep resnet20 --vary learning_rate=0.05,0.1 --vary seed=0..4 --out out/lr`,
    `reslab sweep resnet20 --vary name=plain20,resnet20 --vary width=8,16 --out out/w --on ray`.
    """

    out: Path
    """Folder of the sweep: `sweep.json`, and all runs in `runs`."""
    vary: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """`NAME=VALUE,VALUE,…` or `NAME=FIRST..LAST`; once for each option to vary."""
    where: WhereOptionsInPlace = field(default_factory=WhereOptions)
    """On which machines, and how many at a time."""
    resume: tyro.conf.Fixed[bool] = True
    """A sweep always goes on."""
    profile: tyro.conf.Fixed[bool] = False
    """One run is profiled, not a sweep."""
    threads: tyro.conf.Fixed[int | None] = None
    """See `cpus_per_run`."""
    ranks: tyro.conf.Fixed[int | None] = 1
    """Runs are many; none is shared."""
    gpus: tyro.conf.Fixed[int | None] = None
    """See `gpus_per_run`."""
    restarts: tyro.conf.Fixed[int | None] = None
    """See `retries`."""
    workers: Annotated[tyro.conf.Fixed[int | None], tyro.conf.arg(name="decoding")] = None
    """Of decoding; those of `where` are processes that train."""

    def run(self) -> int:
        """Train, and print what each combination came to."""
        from reslab.runs.executor import Stopped  # noqa: PLC0415
        from reslab.studies.carry_out import RunStore  # noqa: PLC0415
        from reslab.studies.sweep import summarise_sweep  # noqa: PLC0415

        store = RunStore(self.out / "runs")
        try:
            with self.where.open(self.device) as where:
                runs = self.plan_grid(where)
                outcomes = self._carry_out(runs, store, where)
        except Stopped:
            print_message(f"stopped; the same command goes on from there (runs in {self.out})")
            return 130
        rows = summarise_sweep(runs, outcomes)
        document = self._document(rows, runs, store)
        write_json(self.out / "sweep.json", document)
        if self.json:
            print_json(document)
        else:
            _print_rows(rows, self.out)
        return 1 if any(row.failures for row in rows) else 0

    def plan_grid(self, where: Where) -> "list[SweptRun]":
        """Every run of the sweep.

        Raises:
            ConfigError: if an option cannot be varied, or not like this.
        """
        from reslab.studies.sweep import (  # noqa: PLC0415
            SEED,
            SweptRun,
            combine,
            parse_variations,
            require_different,
        )

        variations = parse_variations(self.vary)
        runs = []
        for combination in combine(variations):
            values = {name: _read_value(name, text) for name, text in combination.items()}
            settings = {name: text for name, text in combination.items() if name != SEED}
            config = _in_place(replace(self, **values).plan(), where)
            runs.append(SweptRun(settings=settings, config=config))
        require_different(runs)
        return runs

    def _carry_out(
        self, runs: "Sequence[SweptRun]", store: "RunStore", where: Where
    ) -> "list[RunResult | Failed]":
        from reslab.studies.carry_out import carry_out_each  # noqa: PLC0415

        tracking = self.tracking.to_tracking(folder=self.out / "trackers", group=self.out.name)
        with open_meter(f"sweep of {self.name}") as meter:

            def show(progress: "StudyProgress") -> None:
                note = f"{progress.runs_done} of {progress.runs} runs"
                meter.update(progress.steps_done, progress.steps, note)

            outcomes = carry_out_each(
                [run.planned for run in runs],
                store,
                where.executor,
                pack=where.pack if self._is_held_in_memory() else 1,
                tracking=tracking,
                on_progress=show,
            )
        print_failures(store.folder, tracking)
        return outcomes

    def _is_held_in_memory(self) -> bool:
        """Whether runs can share their data, and so a process."""
        from reslab.data.config import DATASET_NAMES  # noqa: PLC0415

        return self.data in DATASET_NAMES

    def _document(
        self, rows: "Sequence[SweepRow]", runs: "Sequence[SweptRun]", store: "RunStore"
    ) -> dict[str, Any]:
        from reslab.studies.sweep import row_document  # noqa: PLC0415

        folders = {run.config.digest: str(store.locate(run.config).path) for run in runs}
        return {
            "network": self.name,
            "varied": list(self.vary),
            "rows": [row_document(row) for row in rows],
            "folders": folders,
        }


def _in_place(config: "RunConfig", where: Where) -> "RunConfig":
    execution = replace(
        config.execution, device=where.device, threads=where.threads, workers=where.threads
    )
    return replace(config, execution=execution)


def _read_value(name: str, text: str) -> Any:
    """The value of one of `reslab train`'s options.

    Raises:
        ConfigError: if there is no such option, or the value is not one of its.
    """
    names = [f.name for f in fields(Train) if f.name not in NOT_VARIED]
    if name not in names:
        raise ConfigError(f"--vary {name}: no option that can be varied; take {', '.join(names)}")
    target = make_dataclass("Setting", [(name, get_type_hints(Train)[name])])
    for value in _readings(text):
        try:
            return getattr(from_document({name: value}, target, text), name)
        except ConfigError:
            continue
    option = name.replace("_", "-")
    raise ConfigError(f"--vary {name}: {text!r} is no value of --{option}; `--help` says what is")


def _readings(text: str) -> Iterator[Any]:
    """What a text may mean: a number or a switch, or itself."""
    for parse in (json.loads, float):
        try:
            yield parse(text)
        except ValueError:
            continue
    yield text


def _print_rows(rows: "Sequence[SweepRow]", out: Path) -> None:
    from reslab.studies.sweep import find_best  # noqa: PLC0415

    names = list(rows[0].settings)
    measured = [error for error in TITLES if any(row.errors[error] for row in rows)]
    columns = [*names, "n", *(TITLES[error] for error in measured), "diverged", "failed"]
    table = [
        [
            *row.settings.values(),
            row.n,
            *(s.to_text() if (s := row.errors[error]) else None for error in measured),
            row.diverged or None,
            len(row.failures) or None,
        ]
        for row in rows
    ]
    print_table("Sweep: mean ± standard deviation over n seeds", columns, table)
    for row in rows:
        for failure in row.failures:
            print_line(f"failed: {_name(row.settings)}: {failure}")
    best = find_best(rows)
    if best is not None and len(rows) > 1:
        row, error = best
        print_line(f"\nlowest {TITLES[error]}: {_name(row.settings)}")
        if error == "test_error_pct":
            print_line(
                "  chosen on the test set, which flatters it: hold images out to choose by, with "
                "--validation-count"
            )
    print_line(f"\nkept in {out}: sweep.json, runs")


def _name(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "as given"
