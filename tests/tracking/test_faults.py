"""A tracker that fails, in whichever way, never stops or changes a run."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import reslab.tracking.track as module
from reslab.cli.main import main
from reslab.runs.directory import RunDirectory
from reslab.tracking.order import Tracking
from reslab.tracking.position import locate_file, read_position
from reslab.tracking.track import send_stored
from tests.tracking.conftest import WriteRun
from tests.tracking.test_trackers import read_tensorboard

Sabotage = Callable[[str, str], None]
TRAIN = ("train", "resnet8", "--width", "4", "--threads", "1", "--device", "cpu")
FAULTS = {
    "import error": ("raise ImportError('no such thing')", "not installed"),
    "exception": (
        "Run = object\nSettings = dict\ndef login(**_):\n    return False\n"
        "def init(**_):\n    raise OSError(28, 'No space left')",
        "No space left",
    ),
    "hang": ("import time\ntime.sleep(600)", "did not end in time"),
    "killed": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "ended with code -9"),
    "exit": ("import os\nos._exit(7)", "ended with code 7"),
    "noise": (
        "import sys\nprint('x' * 200_000, flush=True)\nsys.stderr.write('y' * 200_000)\n"
        "raise ValueError('enough')",
        "enough",
    ),
}


def train(folder: Path, *options: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        main([*TRAIN, "--steps", "10", "--out", str(folder), *options])
    return int(exit_.value.code or 0)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_tracker_is_said_once_and_changes_nothing(
    fault: str,
    sabotage: Sabotage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content, reason = FAULTS[fault]
    sabotage("wandb", content)
    monkeypatch.setattr(module, "END_SECONDS", 2.0 if fault == "hang" else 60.0)
    assert train(tmp_path / "alone") == 0
    capsys.readouterr()
    started_at = time.monotonic()
    assert train(tmp_path / "tracked", "--track", "wandb") == 0
    assert time.monotonic() - started_at < 30
    told = [line for line in capsys.readouterr().err.splitlines() if "wandb" in line]
    assert len(told) == 1
    assert reason in told[0]
    alone, tracked = (
        RunDirectory(tmp_path / name).weights_path.read_bytes() for name in ("alone", "tracked")
    )
    assert alone == tracked


def test_a_folder_that_cannot_be_written_is_a_failure_like_any(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard")
    (tmp_path / "file").write_text("")
    code = train(tmp_path / "r", "--track", "tensorboard", "--track-dir", f"{tmp_path}/file/x")
    assert code == 0
    assert "Not a directory" in capsys.readouterr().err


def test_what_a_failed_tracker_missed_is_sent_later(
    write_run: WriteRun, sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    tracking = Tracking(trackers=("tensorboard",))
    write_run(tmp_path / "r8", 40)
    with monkeypatch.context():
        sabotage("tensorboard", "raise RuntimeError('not today')")
        assert "not today" in send_stored(tmp_path / "r8", tracking, print)["tensorboard"]
    monkeypatch.undo()
    assert send_stored(tmp_path / "r8", tracking, print) == {}
    series, _ = read_tensorboard(tmp_path / "r8" / "trackers")
    assert len(series["train/loss"]) == 4


def test_a_run_killed_and_resumed_is_tracked_without_gap_or_repeat(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    options = ["--steps", "300", "--track", "tensorboard", "--out", str(tmp_path / "r")]
    command = [sys.executable, "-m", "reslab", *TRAIN, *options]
    (order,) = Tracking(trackers=("tensorboard",)).orders_for(tmp_path / "r")
    path, run = locate_file(order, "json"), RunDirectory(tmp_path / "r")
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_until(lambda: "sent" in (path.read_text() if path.is_file() else ""))
    wait_until(lambda: len(run.read_metrics()) > 12)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: getattr(read_position(path), "ended", None) == "lost")

    subprocess.run([*command, "--resume"], check=True, capture_output=True)
    series, _ = read_tensorboard(tmp_path / "r" / "trackers")
    written = {
        name: [(r["step"], r[name]) for r in run.read_metrics() if name in r]
        for name in ("loss", "test_loss")
    }
    for tag, name in (("train/loss", "loss"), ("evaluation/test_loss", "test_loss")):
        assert [step for step, _ in series[tag]] == [step for step, _ in written[name]]
        assert [value for _, value in series[tag]] == pytest.approx([v for _, v in written[name]])


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
