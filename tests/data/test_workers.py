"""Processes that work: every result once, every failure told, none left behind."""

import os
import signal
import time

import pytest

from reslab.data.workers import Worker, map_in_workers
from reslab.errors import ConfigError, DataError


def double(number: int) -> int:
    if number == 13:
        raise ConfigError("13 is refused: give another")
    if number == 14:
        raise ZeroDivisionError("by accident")
    if number == 15:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 16:
        time.sleep(60)
    return 2 * number


@pytest.mark.parametrize("workers", [1, 3])
def test_every_task_is_done_once(workers: int) -> None:
    assert sorted(map_in_workers(double, range(10), workers)) == list(range(0, 20, 2))
    assert list(map_in_workers(double, [], workers)) == []


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        (13, ConfigError, "13 is refused"),
        (14, DataError, "ZeroDivisionError"),
        (15, DataError, r"exit code -9.*killed"),
    ],
)
def test_what_goes_wrong_is_told(task: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        list(map_in_workers(double, [1, task, 2], 2))


def test_a_worker_goes_on_after_an_error() -> None:
    worker = Worker(double)
    try:
        worker.ask(13)
        worker.ask(4)
        with pytest.raises(ConfigError):
            worker.receive()
        assert worker.receive() == 8
    finally:
        worker.stop()


def test_what_is_forgotten_is_not_received() -> None:
    worker = Worker(double)
    try:
        worker.ask(1)
        worker.ask(2)
        worker.forget()
        worker.ask(3)
        assert worker.receive() == 6
    finally:
        worker.stop()


def test_a_worker_is_stopped_in_the_middle_of_a_task() -> None:
    worker = Worker(double)
    worker.ask(16)
    started = time.monotonic()
    worker.stop()
    assert time.monotonic() - started < 20
