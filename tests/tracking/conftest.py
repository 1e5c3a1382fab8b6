"""Stored runs to be shown, without training them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reslab.files.documents import write_json
from reslab.runs.directory import RunDirectory
from reslab.runs.metrics import Record

WriteRun = Callable[..., RunDirectory]
CONFIG: dict[str, Any] = {
    "network": {"name": "resnet8", "blocks_per_stage": [1, 1, 1]},
    "recipe": {"steps": 40, "learning_rate": 0.1, "flip": True, "warm_up": None},
    "seed": 3,
}


def make_records(steps: range) -> list[Record]:
    """A record of training each 10 steps, and one of evaluation each 20; one loss is not finite."""
    records: list[Record] = []
    for step in steps:
        if step % 10 == 0:
            loss = None if step == 30 else 2.0 - step / 100
            records.append(
                {"kind": "train", "step": step, "elapsed_seconds": step / 8, "loss": loss}
            )
        if step % 20 == 0:
            records.append(
                {
                    "kind": "evaluation",
                    "step": step,
                    "elapsed_seconds": step / 8 + 0.5,
                    "test_error_pct": 50.0 - step / 4,
                }
            )
    return records


@pytest.fixture
def write_run() -> WriteRun:
    """Write a run as far as it has come, or go on with it from its last checkpoint."""

    def write(folder: Path, last_step: int, *, resumed_from: int = 0) -> RunDirectory:
        run = RunDirectory(folder)
        run.begin({"digest": "d" * 64, "config": CONFIG}, {})
        run.metrics.forget_after(resumed_from)
        for record in make_records(range(resumed_from + 1, last_step + 1)):
            run.metrics.append(record)
        if last_step == CONFIG["recipe"]["steps"]:
            result = {"state": "finished", "steps_done": 40, "test_error_pct": 40.0}
            write_json(run.result_path, {**result, "elapsed_seconds": 6.0})
        return run

    return write


@pytest.fixture
def sabotage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a broken package in the place of a tracker's, for the processes started from now on."""

    def put(package: str, content: str) -> None:
        folder = tmp_path / "broken" / package
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(content)
        import reslab  # noqa: PLC0415

        source = Path(reslab.__file__).parents[1]
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'broken'}:{source}")

    return put


def as_json(value: object) -> str:
    """For comparing what holds NaN."""
    return json.dumps(value, sort_keys=True)
