import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reslab.errors import RunError
from reslab.runs.executors.shipping import Parcel, Piece, Receiver, Sender, count_bytes
from reslab.runs.executors.sight import look_at, show
from reslab.runs.metrics import MetricsLog


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_what_changed_is_sent_and_nothing_else(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    sender, receiver = Sender([here]), Receiver([there])
    assert sender.pack() == Parcel()
    (here / "checkpoints").mkdir(parents=True)
    (here / "config.json").write_text("{}")
    (here / "checkpoints" / "step-1").write_bytes(b"1" * 100)
    (here / ".lock").touch()
    (here / ".config.json.tmp").write_text("{")
    log = MetricsLog(here / "metrics.jsonl")
    log.append({"step": 1})
    receiver.unpack(sender.pack())
    assert contents(there) == contents(here)
    assert not (there / ".lock").exists()
    assert sender.pack() == Parcel()

    log.append({"step": 2})
    (here / "checkpoints" / "step-2").write_bytes(b"2" * 100)
    (here / "checkpoints" / "step-1").unlink()
    parcel = sender.pack()
    assert [(piece.name, len(piece.content)) for piece in parcel.pieces] == [
        ("metrics.jsonl", len((here / "metrics.jsonl").read_bytes().splitlines(keepends=True)[-1])),
        ("checkpoints/step-2", 100),
    ]
    assert parcel.gone == ((0, "checkpoints/step-1"),)
    receiver.unpack(parcel)
    assert contents(there) == contents(here)

    log.forget_after(1)
    log.append({"step": 9})
    receiver.unpack(sender.pack())
    assert contents(there) == contents(here)
    assert count_bytes([here]) == sum(map(len, contents(here).values()))


def test_a_single_file_is_sent(tmp_path: Path) -> None:
    here, there = tmp_path / "a.json", tmp_path / "to" / "b.json"
    sender = Sender([here])
    here.write_text("[1]")
    Receiver([there]).unpack(sender.pack())
    assert there.read_text() == "[1]"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.sampled_from(["append", "forget", "checkpoint", "drop", "send"]), max_size=25))
def test_the_copy_is_the_original_whatever_was_done_to_it(
    tmp_path: Path, actions: list[str]
) -> None:
    case = tmp_path / str(len(list(tmp_path.iterdir())))
    here, there = case / "here", case / "there"
    here.mkdir(parents=True)
    log = MetricsLog(here / "metrics.jsonl")
    sender, receiver = Sender([here]), Receiver([there])
    for step, action in enumerate(actions):
        if action == "append":
            log.append({"step": step})
        elif action == "forget":
            log.forget_after(step // 2)
        elif action == "checkpoint":
            (here / f"step-{step}").write_text(f"{step}")
        elif action == "drop":
            for path in here.glob("step-*"):
                path.unlink()
        else:
            receiver.unpack(sender.pack())
            assert contents(there) == contents(here)


def test_what_relies_on_the_measurements_is_written_after_them(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    for i, name in enumerate(("config.json", "step-1", "weights", "metrics.jsonl", "result.json")):
        (here / name).touch()
        os.utime(here / name, ns=(i, i))
    # As a clock leaves it that is set back.
    os.utime(here / "result.json", ns=(0, 0))
    names = [piece.name for piece in Sender([here]).pack().pieces]
    assert names == ["metrics.jsonl", "config.json", "step-1", "weights", "result.json"]


@pytest.mark.parametrize("name", ["../other", "/etc/passwd", "a/../../b"])
def test_a_file_outside_of_the_run_is_refused(name: str, tmp_path: Path) -> None:
    receiver = Receiver([tmp_path / "run"])
    for parcel in (Parcel((Piece(0, name, 0, b""),)), Parcel(gone=((0, name),))):
        with pytest.raises(RunError, match="outside of the run"):
            receiver.unpack(parcel)
    with pytest.raises(RunError, match="outside of the run"):
        receiver.unpack(Parcel((Piece(1, "a", 0, b""),)))


def test_another_writer_is_noticed(tmp_path: Path) -> None:
    receiver = Receiver([tmp_path])
    receiver.unpack(Parcel((Piece(0, "metrics.jsonl", 0, b"1\n"),)))
    (tmp_path / "metrics.jsonl").write_text("1\n2\n")
    with pytest.raises(RunError, match="another process"):
        receiver.unpack(Parcel((Piece(0, "metrics.jsonl", 2, b"2\n"),)))
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write"):
        receiver.unpack(Parcel((Piece(0, "file/below", 0, b""),)))


def test_folders_are_recognised_by_what_is_in_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "class").mkdir(parents=True)
    (data / "a.bin").write_bytes(b"12")
    file, folder = look_at(data / "a.bin"), look_at(data)
    assert file.is_seen()
    assert folder.is_seen()
    (data / "a.bin").write_bytes(b"123")
    assert not file.is_seen()
    assert not folder.is_seen()
    (data / "a.bin").write_bytes(b"12")
    (data / "class").rmdir()
    assert not folder.is_seen()
    # What is only on the nodes is left to them.
    assert look_at(tmp_path / "absent").is_seen()

    with show([tmp_path / "runs"]) as sights:
        (sight,) = sights.values()
        assert sight.is_seen()
    assert not sight.is_seen()
    assert list((tmp_path / "runs").iterdir()) == []
