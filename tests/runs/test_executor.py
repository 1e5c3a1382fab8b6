import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reslab.errors import RunError
from reslab.runs.executor import execute


def square(x: int) -> int:
    return x * x


def fail_on_three(x: int) -> int:
    if x == 3:
        raise ValueError("three")
    return x


def process_of(_: int) -> int:
    time.sleep(0.2)
    return os.getpid()


def cores_of(_: int) -> set[int]:
    time.sleep(0.2)
    return os.sched_getaffinity(0)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no binding on this system")
def test_workers_that_take_every_core_have_one_each() -> None:
    cores = os.sched_getaffinity(0)
    if len(cores) == 1:
        pytest.skip("there is one core only")
    bound = execute(cores_of, range(2 * len(cores)), len(cores))
    assert all(len(of_worker) == 1 for of_worker in bound)
    assert set.union(*bound) == cores
    # A worker fewer leaves room, and the system moves it to where that is.
    assert all(of_worker == cores for of_worker in execute(cores_of, [0], len(cores)))
    assert os.sched_getaffinity(0) == cores


def test_results_come_in_the_order_of_the_items() -> None:
    ticks: list[int] = []
    assert execute(square, range(5), 2, lambda: ticks.append(1)) == [0, 1, 4, 9, 16]
    assert ticks


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ValueError, match="three"):
        execute(fail_on_three, range(6), 2)


def kill_this_process(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_the_system_kills_is_answered_in_a_sentence() -> None:
    with pytest.raises(RunError, match="--workers 1"):
        execute(kill_this_process, range(3), 2)


def test_the_work_is_spread_over_the_workers() -> None:
    assert len(set(execute(process_of, range(6), 2))) == 2


UNHEARD = """
import sys, time
from pathlib import Path
from reslab.runs.executor import Stopped, execute

def wait_deaf(path):
    Path(path).touch()
    time.sleep(60)

if __name__ == "__main__":
    try:
        execute(wait_deaf, [sys.argv[1] + name for name in "ab"], 2)
    except Stopped:
        print("stopped")
"""


def test_work_that_hears_no_signal_is_ended_all_the_same(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(UNHEARD)
    command = [sys.executable, str(script), str(tmp_path / "started-")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("started-*"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out.strip()) == (0, "stopped"), err


STUDY = """
import sys, time
from pathlib import Path
from reslab.runs.executor import Stopped, execute
from reslab.training.stop import stop_on_signals

def wait_for_stop(path):
    with stop_on_signals() as stop:
        Path(path).touch()
        while not stop.requested:
            time.sleep(0.01)
    Path(path + ".saved").touch()

if __name__ == "__main__":
    try:
        execute(wait_for_stop, [sys.argv[1] + name for name in "abc"], 2)
    except Stopped:
        print("stopped")
"""


def test_the_processes_save_and_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(STUDY)
    process = subprocess.Popen([sys.executable, str(script), f"{tmp_path}/"])
    deadline = time.monotonic() + 60
    while not ((tmp_path / "a").exists() and (tmp_path / "b").exists()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    while not ((tmp_path / "a.saved").exists() and (tmp_path / "b.saved").exists()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_every_process_save_and_starts_no_other(
    number: signal.Signals, tmp_path: Path
) -> None:
    script = tmp_path / "study.py"
    script.write_text(STUDY)
    command = [sys.executable, str(script), f"{tmp_path}/"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while not ((tmp_path / "a").exists() and (tmp_path / "b").exists()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # As the terminal does on Ctrl-C: to the whole group.
    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert output.strip() == "stopped"
    assert (tmp_path / "a.saved").exists()
    assert (tmp_path / "b.saved").exists()
    assert not (tmp_path / "c").exists()
