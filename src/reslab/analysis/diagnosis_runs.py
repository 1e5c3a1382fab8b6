"""Run directories of reslab as curves, grouped into nets and families that may be compared."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reslab.analysis.diagnosis_curves import NOTHING, Family, NetCurves, Series, TrainingCurve
from reslab.errors import RunError
from reslab.runs.directory import RunDirectory
from reslab.runs.index import find_runs
from reslab.runs.metrics import Record
from reslab.training.result import RunResult, run_result_from
from reslab.training.run_config import RunConfig, run_config_from

MIN_EVALUATED = 15
"""So many evaluations of the training set make a curve; else the running error is taken."""


@dataclass(frozen=True, kw_only=True)
class _Run:
    config: RunConfig
    depth: int
    curve: TrainingCurve

    @property
    def traits(self) -> dict[str, str]:
        """What must agree between nets that are compared, in words."""
        network, recipe = self.config.network, self.config.recipe
        common = replace(recipe, warm_up=None, test_every_steps=1, train_error_every_steps=1)
        common = replace(common, log_every_steps=1, checkpoint_every_steps=1)
        return {
            "family": network.family,
            "shortcut": f"shortcut {network.shortcut}",
            "block": f"{network.block} blocks",
            "stem": f"{network.stem} stem",
            "width": f"width {network.stem_width}",
            "data": self.config.data.name,
            "split": self.config.data.split,
            "steps": f"{recipe.steps:,} steps",
            "recipe": f"batch {recipe.batch_size}, learning rate {recipe.learning_rate:g}",
            "all": repr((common, network.stage_widths, network.num_classes, network.input_size)),
        }


def read_runs(folders: Sequence[Path]) -> list[Family]:
    """Read runs, or all runs below folders, and group them by what may be compared.

    Raises:
        RunError: if a folder holds no run, or one is damaged.
        ConfigError: if a stored document cannot be decoded.
    """
    read = [_read_run(directory) for folder in folders for directory in _runs_in(folder)]
    # A copy of a run, or the same net under another name, is not another seed.
    distinct = {(*run.traits.values(), run.depth, run.config.seed): run for run in read}
    groups: dict[tuple[str, ...], list[_Run]] = defaultdict(list)
    for run in distinct.values():
        groups[tuple(run.traits.values())].append(run)
    runs = [members[0] for members in groups.values()]
    names = _name_groups([run.traits for run in runs])
    return [_to_family(n, g) for n, g in zip(names, groups.values(), strict=True)]


def _runs_in(folder: Path) -> list[RunDirectory]:
    directory = RunDirectory(folder)
    if directory.exists():
        return [directory]
    found = find_runs(folder)
    if not found:
        raise RunError(
            f"{folder} holds no run: name a run folder, a folder with runs in it, or a CSV file"
        )
    return found


def _read_run(directory: RunDirectory) -> _Run:
    config = run_config_from(directory.read_config()["config"], str(directory.config_path))
    records = directory.read_metrics()
    document = directory.read_result()
    result = None if document is None else run_result_from(document, str(directory.result_path))
    if not records and (result is None or result.state != "diverged"):
        raise RunError(f"{directory.path} has measured nothing yet: let it train first")
    return _Run(
        config=config,
        depth=_count_layers(config) if result is None else result.depth,
        curve=_to_curve(directory, config, records, result),
    )


def _to_curve(
    directory: RunDirectory, config: RunConfig, records: list[Record], result: RunResult | None
) -> TrainingCurve:
    evaluated = _series(records, "train_error_pct")
    running = _series(records, "running_train_error_pct")
    lost = result is not None and result.state == "diverged"
    last_step = max((record["step"] for record in records), default=0)
    images = config.data.train_count
    return TrainingCurve(
        name=directory.path.name,
        train=(evaluated if len(evaluated) >= MIN_EVALUATED else running).thin(),
        test=_series(records, _name_of_test(records)),
        learning_rate=_series(records, "learning_rate"),
        lost_at=float(result.steps_done) if lost and result is not None else None,
        epochs=last_step * config.recipe.batch_size / images,
        notes=() if result is not None else ("not finished yet",),
    )


def _name_of_test(records: Sequence[Record]) -> str:
    """What a run is evaluated on: the validation part where there is no test part."""
    tested = any(_is_number(record.get("test_error_pct")) for record in records)
    return "test_error_pct" if tested else "validation_error_pct"


def _series(records: Sequence[Record], key: str) -> Series:
    pairs = {float(r["step"]): r[key] for r in records if _is_number(r.get(key))}
    steps = sorted(pairs)
    if not steps:
        return NOTHING
    return Series(steps=tuple(steps), values=tuple(float(pairs[step]) for step in steps))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count_layers(config: RunConfig) -> int:
    # Only a run that has not ended lacks its depth, and only then is PyTorch waited for.
    from reslab.networks.complexity import describe_network  # noqa: PLC0415

    return describe_network(config.network).weighted_layers


def _name_groups(traits: Sequence[dict[str, str]]) -> list[str]:
    """The traits in which groups differ, the family always."""
    differing = [
        key for key in traits[0] if key != "all" and len({group[key] for group in traits}) > 1
    ]
    keys = list(dict.fromkeys(["family", *differing]))
    names = [", ".join(group[key] for key in keys) for group in traits]
    return [
        name if names.count(name) == 1 else f"{name} ({names[: i + 1].count(name)})"
        for i, name in enumerate(names)
    ]


def _to_family(name: str, runs: Sequence[_Run]) -> Family:
    by_depth: dict[int, list[TrainingCurve]] = defaultdict(list)
    for run in runs:
        by_depth[run.depth].append(run.curve)
    nets = [NetCurves(depth=d, seeds=tuple(by_depth[d])) for d in sorted(by_depth)]
    return Family(name=name, nets=tuple(nets))
