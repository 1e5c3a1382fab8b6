import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from reslab.errors import RunError
from reslab.runs.executor import Executor, Failed, Job, Locate, execute_all
from reslab.runs.executors.here import ThisProcess
from reslab.runs.executors.processes import LocalProcesses

Item = TypeVar("Item")
Result = TypeVar("Result")


def to_jobs(items: Sequence[Item]) -> list[Job[Item]]:
    return [Job(item=item, name=str(item)) for item in items]


def execute(
    function: Callable[[Item, Locate], Result], items: Sequence[Item], executor: Executor
) -> list[Result]:
    return execute_all(executor, function, to_jobs(items))


def square(x: int, _locate: Locate) -> int:
    return x * x


def fail_on_three(x: int, _locate: Locate) -> int:
    if x == 3:
        raise ValueError("three")
    return x


def process_of(_x: int, _locate: Locate) -> int:
    time.sleep(0.2)
    return os.getpid()


def cores_of(_x: int, _locate: Locate) -> set[int]:
    time.sleep(0.2)
    return os.sched_getaffinity(0)


def gpu_of(_x: int, _locate: Locate) -> str:
    time.sleep(0.2)
    return os.environ["CUDA_VISIBLE_DEVICES"]


def place_of(path: Path, locate: Locate) -> Path:
    return locate(path)


BOTH = pytest.mark.parametrize("executor", [ThisProcess(), LocalProcesses(2)])


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no binding on this system")
def test_workers_that_take_every_core_have_one_each() -> None:
    cores = os.sched_getaffinity(0)
    if len(cores) == 1:
        pytest.skip("there is one core only")
    bound = execute(cores_of, range(2 * len(cores)), LocalProcesses(len(cores)))
    assert all(len(of_worker) == 1 for of_worker in bound)
    assert set.union(*bound) == cores
    # A worker fewer leaves room, and the system moves it to where that is.
    assert execute(cores_of, [0], LocalProcesses(len(cores))) == [cores]
    assert os.sched_getaffinity(0) == cores


def test_each_process_sees_the_gpu_that_is_its_own() -> None:
    seen = execute(gpu_of, range(6), LocalProcesses(2, gpus=("3", "GPU-5")))
    assert set(seen) == {"3", "GPU-5"}
    shared = execute(gpu_of, range(4), LocalProcesses(2, gpus=("1",)))
    assert set(shared) == {"1"}


@BOTH
def test_results_come_in_the_order_of_the_items(executor: Executor, tmp_path: Path) -> None:
    assert execute(square, range(5), executor) == [0, 1, 4, 9, 16]
    assert execute(square, [], executor) == []
    assert execute(place_of, [tmp_path], executor) == [tmp_path]


@BOTH
def test_progress_is_told_while_a_job_goes_on(executor: Executor) -> None:
    ticks: list[float] = []
    started_at = time.monotonic()
    jobs = [Job(item=1.5, name="sleep")]
    executor.execute(sleep, jobs, on_tick=lambda: ticks.append(time.monotonic() - started_at))
    assert len(ticks) >= 2
    assert ticks[0] < 1.2


def sleep(seconds: float, _locate: Locate) -> None:
    time.sleep(seconds)


@BOTH
def test_an_error_reaches_the_caller(executor: Executor) -> None:
    with pytest.raises(ValueError, match="three"):
        execute(fail_on_three, range(6), executor)


@BOTH
def test_the_others_are_carried_out_where_that_is_asked_for(executor: Executor) -> None:
    outcomes = executor.execute(fail_on_three, to_jobs(range(6)), keep_going=True)
    failed = outcomes.pop(3)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ValueError)
    assert outcomes == [0, 1, 2, 4, 5]


def kill_this_process(_x: int, _locate: Locate) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("keep_going", [False, True])
def test_a_process_that_the_system_kills_is_answered_in_a_sentence(*, keep_going: bool) -> None:
    jobs = to_jobs(range(3))
    with pytest.raises(RunError, match="--workers 1"):
        LocalProcesses(2).execute(kill_this_process, jobs, keep_going=keep_going)


def test_the_work_is_spread_over_the_workers() -> None:
    assert len(set(execute(process_of, range(6), LocalProcesses(2)))) == 2


UNHEARD = """
import sys, time
from pathlib import Path
from reslab.runs.executor import Job, Stopped
from reslab.runs.executors.here import ThisProcess
from reslab.runs.executors.processes import LocalProcesses

def wait_deaf(path, locate):
    Path(path).touch()
    time.sleep(60)

if __name__ == "__main__":
    try:
        jobs = [Job(item=sys.argv[1] + name, name=name) for name in "ab"]
        LocalProcesses(2).execute(wait_deaf, jobs)
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
from reslab.runs.executor import Job, Stopped
from reslab.runs.executors.here import ThisProcess
from reslab.runs.executors.processes import LocalProcesses
from reslab.training.stop import stop_on_signals

def wait_for_stop(path, locate):
    with stop_on_signals() as stop:
        Path(path).touch()
        while not stop.requested:
            time.sleep(0.01)
    Path(path + ".saved").touch()

if __name__ == "__main__":
    try:
        jobs = [Job(item=sys.argv[1] + name, name=name) for name in "abc"]
        executor = ThisProcess() if sys.argv[2:] else LocalProcesses(2)
        executor.execute(wait_for_stop, jobs)
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_this_process_save_and_starts_no_other_job(
    number: signal.Signals, tmp_path: Path
) -> None:
    script = tmp_path / "study.py"
    script.write_text(STUDY)
    command = [sys.executable, str(script), f"{tmp_path}/", "here"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "a").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert output.strip() == "stopped"
    assert (tmp_path / "a.saved").exists()
    assert not (tmp_path / "b").exists()
