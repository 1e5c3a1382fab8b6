from pathlib import Path

import pytest

from reslab.analysis.curves import read_curves
from reslab.runs.metrics import MetricsLog


def write_run(folder: Path, errors: dict[int, float]) -> Path:
    folder.mkdir()
    log = MetricsLog(folder / "metrics.jsonl")
    for step, error in errors.items():
        log.append({"kind": "train", "step": step, "running_train_error_pct": error})
    log.append({"kind": "evaluation", "step": max(errors), "test_error_pct": 50.0})
    return folder


def test_a_curve_is_mean_and_range_over_the_seeds(tmp_path: Path) -> None:
    folders = [
        write_run(tmp_path / "a", {1: 90.0, 2: 60.0, 3: 30.0}),
        write_run(tmp_path / "b", {1: 80.0, 2: 50.0}),
    ]
    curves = read_curves(folders, network="plain20", family="plain", depth=20)
    assert curves.seeds == 2
    assert curves.train.steps == (1, 2)
    assert curves.train.mean == pytest.approx((85.0, 55.0))
    assert curves.train.low == (80.0, 50.0)
    assert curves.train.high == (90.0, 60.0)
    # The seeds were tested at different steps, so there is no common point.
    assert curves.test.steps == ()
