import os
import signal
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from reslab.errors import ConfigError, RunError
from reslab.runs.executor import Job, Locate
from reslab.runs.executors.own_modules import read_modules
from reslab.runs.executors.place import Order, Place, Report
from reslab.runs.executors.shipping import Parcel, Piece, Receiver, Sender
from reslab.runs.executors.sight import Sight, look_at


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    place.prepare(version("reslab"), {})
    yield place
    place.close()
    assert not place.scratch.exists()


def wait_for_end(place: Place, receiver: Receiver | None = None) -> Report:
    deadline = time.monotonic() + 60
    while True:
        report = place.collect()
        if receiver is not None:
            receiver.unpack(report.parcel)
        if report.state != "going on":
            return report
        assert time.monotonic() < deadline
        time.sleep(0.02)


def double(path: Path, locate: Locate) -> str:
    """Writes twice what stands in a file; says where."""
    folder = locate(path)
    text = (folder / "text").read_text()
    (folder / "twice").write_text(2 * text)
    return str(folder)


def read(path: Path, locate: Locate) -> str:
    return (locate(path.parent) / path.name).read_text()


def fail(_: int, _locate: Locate) -> None:
    raise ConfigError("no such net")


class Strange(Exception):  # noqa: N818
    """Can be pickled, but not be had back."""

    def __init__(self, one: str, _two: str) -> None:
        super().__init__(one)


def fail_strangely(_: int, _locate: Locate) -> None:
    raise Strange("cannot be sent", "")


def kill_this_process(_: int, _locate: Locate) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(seconds: float, _locate: Locate) -> None:
    time.sleep(seconds)


def test_a_job_works_on_a_copy_and_what_it_writes_is_handed_out(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("ab")
    job = Job(item=tmp_path, name="double", folders=(tmp_path,))
    order = Order(function=double, job=job, sees_writes=False, brought=Sender([tmp_path]).pack())
    place.begin(order)
    report = wait_for_end(place, Receiver([tmp_path]))
    assert report.state == "done"
    assert Path(report.result).is_relative_to(place.scratch)
    assert (tmp_path / "twice").read_text() == "abab"


def test_a_job_that_sees_the_folder_works_there(place: Place, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("ab")
    job = Job(item=tmp_path, name="double", folders=(tmp_path,))
    place.begin(Order(function=double, job=job, sees_writes=True))
    report = wait_for_end(place)
    assert (report.result, report.parcel) == (str(tmp_path), Parcel())
    assert (tmp_path / "twice").read_text() == "abab"


def test_what_a_job_reads_is_brought_once(place: Place, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "text").write_text("of the planner")
    sight, parcel = look_at(data), Sender([data]).pack()
    (data / "text").write_text("of the place")
    assert place.look([sight]) == [False]
    job = Job(item=data / "text", name="read", reads=(data,))
    order = Order(function=read, job=job, sees_writes=True)
    place.begin(order, (data,), parcel)
    assert wait_for_end(place).result == "of the planner"
    assert place.look([sight, Sight(tmp_path / "absent", (("", None),))]) == [True, False]
    place.begin(order)
    assert wait_for_end(place).result == "of the planner"


def test_how_a_job_ends_is_told(place: Place) -> None:
    def carry_out(function: object) -> Report:
        job = Job(item=0, name="job")
        place.begin(Order(function=function, job=job, sees_writes=True))  # type: ignore[arg-type]
        return wait_for_end(place)

    failed = carry_out(fail)
    assert failed.state == "failed"
    assert isinstance(failed.result, ConfigError)
    strange = carry_out(fail_strangely)
    assert strange.state == "failed"
    assert "cannot be sent" in str(strange.result)
    assert carry_out(kill_this_process).state == "lost"
    # The place outlives it.
    assert carry_out(sleep).state == "done"


def test_a_job_that_hears_no_signal_is_ended(place: Place) -> None:
    job = Job(item=60.0, name="sleep")
    place.begin(Order(function=sleep, job=job, sees_writes=True))
    time.sleep(0.5)
    started_at = time.monotonic()
    place.stop()
    assert wait_for_end(place).state == "lost"
    assert time.monotonic() - started_at < 10


def test_another_version_is_refused() -> None:
    place = Place()
    try:
        with pytest.raises(RunError, match="same version on every node"):
            place.prepare("0.0.0", {})
        with pytest.raises(RunError, match="no job"):
            place.collect()
    finally:
        place.close()


def test_a_module_of_ones_own_is_sent_and_installed_ones_are_not(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_own_study.py").write_text("def answer(item, locate):\n    return item + 1\n")
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    names = ["reslab.studies.depth", "numpy", "json", "my_own_study"]
    modules = read_modules(names)
    assert list(modules) == ["my_own_study"]
    with pytest.raises(RunError, match="script that carries it out"):
        read_modules(["__main__"])
    with pytest.raises(RunError, match="my_package is not installed"):
        read_modules(["my_package"])

    import my_own_study  # type: ignore[import-not-found]  # noqa: PLC0415

    (tmp_path / "my_own_study.py").unlink()
    monkeypatch.undo()
    place.prepare(version("reslab"), modules)
    job = Job(item=41, name="answer")
    place.begin(Order(function=my_own_study.answer, job=job, sees_writes=True))
    assert wait_for_end(place).result == 42


def test_a_retried_job_waits_for_the_process_that_still_writes(
    place: Place, tmp_path: Path
) -> None:
    pytest.importorskip("fcntl")
    from reslab.runs.directory import RunDirectory  # noqa: PLC0415

    (tmp_path / "text").write_text("ab")
    job = Job(item=tmp_path, name="double", folders=(tmp_path,))
    order = Order(function=double, job=job, sees_writes=True, attempt=1)
    with RunDirectory(tmp_path).lock():
        place.begin(order)
        time.sleep(1.5)
        assert place.collect().state == "going on"
    assert wait_for_end(place).state == "done"


def test_a_parcel_may_not_leave_the_place(place: Place, tmp_path: Path) -> None:
    job = Job(item=tmp_path, name="double", folders=(tmp_path / "run",))
    evil = Parcel((Piece(0, "../../evil", 0, b""),))
    with pytest.raises(RunError, match="refused"):
        place.begin(Order(function=double, job=job, sees_writes=False, brought=evil))
