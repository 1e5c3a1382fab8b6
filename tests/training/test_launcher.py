"""Launched processes: one that is killed starts anew, and the run ends as if nothing had been."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reslab.cli.main import main
from reslab.training.checkpoint import list_checkpoints
from tests.training.test_resume import assert_same_run

RUN = (
    "train", "resnet8", "--width", "4", "--device", "cpu", "--batch-parts", "2", "--steps", "400",
    "--batch-size", "32", "--compile", "never", "--threads", "1",
)  # fmt: skip
TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", "2")
LAUNCHERS = {
    "torchrun": (*TORCHRUN, "-m", "reslab", *RUN, "--resume"),
    "reslab": ("reslab", *RUN, "--ranks", "2", "--restarts", "2"),
}


def start(launcher: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *LAUNCHERS[launcher], "--out", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """A process that does not outlive a test that fails, nor do its workers."""
    with process:
        try:
            yield process
        finally:
            process.terminate()


def workers_of(launcher: int) -> list[int]:
    """Its processes that train, in the order of their start."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return [
        int(child)
        for child in children
        if "resource_tracker" not in Path(f"/proc/{child}/cmdline").read_text()
    ]


def step_of(folder: Path) -> int:
    """Of the newest checkpoint."""
    checkpoints = list_checkpoints(folder / "checkpoints")
    return int(checkpoints[0].stem.removeprefix("step-")) if checkpoints else 0


def wait_for_checkpoint(folder: Path, step: int) -> None:
    """Until there is one of this step or a later one."""
    deadline = time.monotonic() + 120
    while step_of(folder) < step:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill_one(process: "subprocess.Popen[str]", place: int) -> None:
    workers = workers_of(process.pid)
    assert len(workers) == 2
    os.kill(workers[place], signal.SIGKILL)


def test_ranks_killed_and_stopped_leave_the_bits_of_a_run_in_one_process(tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "run"
    with pytest.raises(SystemExit):
        main([*RUN, "--ranks", "1", "--out", str(whole)])

    with ended(start("reslab", folder)) as process:
        wait_for_checkpoint(folder, 1)
        kill_one(process, 0)
        wait_for_checkpoint(folder, step_of(folder) + 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.count("(restart 1 of 2)") == 1
    assert "Traceback" not in err
    stopped_at = step_of(folder)
    assert f"stopped at step {stopped_at}; the same command with --resume goes on" in out

    with ended(start("torchrun", folder)) as process:
        wait_for_checkpoint(folder, stopped_at + 1)
        kill_one(process, 1)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert out.count("finished after 400 steps") == 1
    assert err.count("(restart 1 of 2)") == 1
    assert "Traceback" not in err
    assert_same_run(folder, whole)


def test_what_would_go_wrong_again_is_said_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    missing = ("--data", "cifar10", "--data-root", str(tmp_path), "--out", str(tmp_path / "run"))
    with pytest.raises(SystemExit) as end:
        main([*RUN, "--ranks", "2", "--restarts", "2", *missing])
    assert end.value.code == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "data_batch_1.bin is missing" in err
