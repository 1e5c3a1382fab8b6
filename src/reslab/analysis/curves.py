"""A network's error against steps, over its seeds, read from stored runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reslab.runs.directory import RunDirectory
from reslab.runs.metrics import Record


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Error in percent at some steps: mean, lowest and highest over the seeds."""

    steps: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class NetworkCurves:
    """Training and test error of one network as it trained."""

    network: str
    family: str
    depth: int
    seeds: int
    train: Curve
    """Running error over the batches trained on, as the paper draws it."""
    test: Curve


def read_curves(folders: Iterable[Path], *, network: str, family: str, depth: int) -> NetworkCurves:
    """Read one network's curves from the runs of its seeds."""
    runs = [RunDirectory(folder).read_metrics() for folder in folders]
    return NetworkCurves(
        network=network,
        family=family,
        depth=depth,
        seeds=len(runs),
        train=_merge(runs, "running_train_error_pct"),
        test=_merge(runs, "test_error_pct"),
    )


def _merge(runs: Sequence[Sequence[Record]], key: str) -> Curve:
    by_seed = [{r["step"]: float(r[key]) for r in records if key in r} for records in runs]
    # Steps that every seed has: one that diverged has no later ones.
    steps = sorted(set.intersection(*(set(values) for values in by_seed))) if by_seed else []
    rows = [[seed[step] for step in steps] for seed in by_seed]
    values = np.array(rows).reshape(len(runs), len(steps))
    return Curve(
        steps=tuple(steps),
        mean=tuple(values.mean(axis=0).tolist()),
        low=tuple(values.min(axis=0).tolist()),
        high=tuple(values.max(axis=0).tolist()),
    )
