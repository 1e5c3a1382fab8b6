"""SIGKILL at any moment: every run that is resumed ends bit by bit as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reslab.runs.directory import RunDirectory
from tests.faults.conftest import LIMIT_SECONDS, Reslab

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kills.py"
STUDY = (
    "study", "degradation", "--data", "digits", "--steps", "40", "--seeds", "1", "--width", "4",
    "--depths", "8,14", "--workers", "2", "--device", "cpu",
)  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_a_dozen_kills(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--kills", "12", "--seed", "7", "--steps", "25"]
    out = tmp_path / "kills.json"
    done = subprocess.run(
        [*command, "--out", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["kills"] == sum(found["moments"].values()) == 12
    assert found["runs"] > 0
    assert found["different"] == []


def find_workers(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [
        int(child)
        for child in children
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()
    ]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_a_worker_that_is_killed_is_told_and_the_study_goes_on(
    reslab: Reslab, tmp_path: Path
) -> None:
    study = (*STUDY, "--out", str(tmp_path / "study"))
    command = reslab.start(*study)
    deadline = time.monotonic() + LIMIT_SECONDS
    while not list(tmp_path.rglob("metrics.jsonl")):
        assert time.monotonic() < deadline
        assert command.process.is_alive()
        time.sleep(0.02)
    assert command.process.pid is not None
    os.kill(find_workers(command.process.pid)[0], signal.SIGKILL)
    done = command.end()
    if done.code != 0:
        # Told, and everything that had been saved is gone on with.
        assert done.code == 2, done.err
        assert "Traceback" not in done.err
        assert done.last_words.startswith("reslab: ")
        again = reslab(*study)
        assert again.code == 0, again.err
    runs = [RunDirectory(path.parent) for path in tmp_path.rglob("result.json")]
    assert {run.read_metrics()[-1]["step"] for run in runs} == {40}
    assert (tmp_path / "study" / "report.html").is_file()
