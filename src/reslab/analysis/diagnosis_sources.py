"""From what a user names, run folders or CSV files with depths, to families of nets."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from reslab.analysis.curve_files import AS_FOUND, LogReading, read_curve
from reslab.analysis.diagnosis_curves import Family, NetCurves, TrainingCurve, share_loss_scale
from reslab.analysis.diagnosis_runs import read_runs
from reslab.errors import ConfigError, DataError

MAX_DEPTH = 100_000


def read_families(sources: Sequence[str | Path], reading: LogReading = AS_FOUND) -> list[Family]:
    """Read the nets to be diagnosed.

    Args:
        sources: folders of reslab's runs, or CSV files as `DEPTH=FILE`, each depth as often as
            there are seeds; or CSV files of a single net without depths.
        reading: how CSV files are to be read.

    Raises:
        ConfigError: if nothing is named, or kinds of sources are mixed.
        DataError: if a CSV file cannot be read.
        RunError: if a folder holds no run.
    """
    if not sources:
        raise ConfigError("name run folders, or CSV files as DEPTH=FILE: 20=a.csv 56=b.csv")
    parsed = [_parse(source) for source in sources]
    folders = [path for depth, path in parsed if depth is None and path.is_dir()]
    if len(folders) == len(parsed):
        return read_runs(folders)
    if folders:
        raise ConfigError(
            f"{folders[0]} is a folder of runs and others are CSV files: diagnose each kind alone"
        )
    return [_read_logs(parsed, reading)]


def _parse(source: str | Path) -> tuple[int | None, Path]:
    text = str(source)
    before, equals, after = text.partition("=")
    # A file whose own name holds an equals sign is found as it is.
    if not equals or Path(text).exists():
        return None, Path(text)
    if not before.isascii() or not before.isdigit() or not 0 < int(before[:9]) <= MAX_DEPTH:
        raise ConfigError(
            f"{text!r}: {before!r} is not a depth: write the number of layers before the file, as "
            "in 20=a.csv"
        )
    return int(before[:9]), Path(after)


def _read_logs(parsed: Sequence[tuple[int | None, Path]], reading: LogReading) -> Family:
    depths = {depth for depth, _ in parsed}
    if None in depths and len(depths) > 1:
        bare = next(path for depth, path in parsed if depth is None)
        raise ConfigError(f"{bare} has no depth, others have: write DEPTH={bare}")
    curves = [read_curve(path, reading) for _, path in parsed]
    _check_distinct(curves)
    if len({curve.quantity for curve in curves}) > 1:
        loss = next(curve.name for curve in curves if curve.quantity == "loss")
        raise DataError(
            f"{loss} has losses alone, other files have errors: name --train-loss and --test-loss "
            "for all by giving only files that have them, or add errors to that log"
        )
    if curves[0].quantity == "loss":
        curves = share_loss_scale(curves)
    by_depth: dict[int | None, list[TrainingCurve]] = defaultdict(list)
    for (depth, _), curve in zip(parsed, curves, strict=True):
        by_depth[depth].append(curve)
    ordered = sorted(by_depth.items(), key=lambda item: item[0] or 0)
    return Family(
        name="", nets=tuple(NetCurves(depth=d, seeds=tuple(seeds)) for d, seeds in ordered)
    )


def _check_distinct(curves: Sequence[TrainingCurve]) -> None:
    seen: dict[tuple[object, ...], str] = {}
    for curve in curves:
        content = (curve.train, curve.test)
        if content in seen and len(curve.train):
            raise DataError(
                f"{curve.name} holds the same curves as {seen[content]}: each seed is a file of "
                "its own; a copy would count as a seed that was never trained"
            )
        seen[content] = curve.name
