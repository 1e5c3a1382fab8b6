"""Stopping and resuming runs by their folder alone."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reslab.errors import RunError
from reslab.runs.directory import RunDirectory
from reslab.training.loop import train
from reslab.web.holders import LOCKS, find_holder, stop_run
from reslab.web.jobs import Jobs
from reslab.web.resume import resume
from tests.web.making import make_run

needs_locks = pytest.mark.skipif(not LOCKS.is_file(), reason="the system lists no locks")


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@needs_locks
def test_holder_is_the_process_that_locked(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from reslab.runs.directory import RunDirectory\n"
        "with RunDirectory(Path(sys.argv[1])).lock(): print('locked', flush=True); time.sleep(60)"
    )
    run = RunDirectory(tmp_path)
    assert find_holder(run.lock_path) is None
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        assert find_holder(run.lock_path) == process.pid
        assert stop_run(run) == process.pid
        assert process.wait(30) != 0
    with pytest.raises(RunError, match="Ctrl-C"):
        stop_run(run)


def test_resuming_ends_as_the_run_would_have(tmp_path: Path) -> None:
    config = make_run(tmp_path / "a", steps=6)
    assert resume(tmp_path / "a") == 0
    train(config, tmp_path / "b")
    ours, theirs = (tmp_path / name / "weights.safetensors" for name in ("a", "b"))
    assert ours.read_bytes() == theirs.read_bytes()


def test_a_job_is_started_once_and_tells_how_it_failed(tmp_path: Path) -> None:
    jobs = Jobs()
    job = jobs.start("none", "reslab.web.resume", [str(tmp_path)], tmp_path / "log")
    with pytest.raises(RunError, match="already"):
        jobs.start("none", "reslab.web.resume", [str(tmp_path)], tmp_path / "log")
    wait_for(lambda: job.state != "running")
    assert job.state == "failed"
    assert "holds no run" in job.last_words()[0]
    assert [one.name for one in jobs.take_failed()] == ["none"]
    assert list(jobs.take_failed()) == []
