"""Reading a run as it is written, and telling each record once."""

from pathlib import Path

import pytest

from reslab.errors import ConfigError
from reslab.runs.metrics import MetricsLog
from reslab.tracking.order import Tracking
from reslab.tracking.position import Position, read_position
from reslab.tracking.tail import Tail
from reslab.tracking.tracker import flatten, name_metrics
from tests.tracking.conftest import make_records


def test_a_tail_reads_each_record_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log, tail = MetricsLog(path), Tail(path)
    assert tail.read_new() == []
    read = []
    records = make_records(range(1, 101))
    for i, record in enumerate(records):
        log.append(record)
        if i % 3 == 0:
            read += tail.read_new()
    assert read + tail.read_new() == records
    assert tail.read_new() == []


def test_a_line_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path)
    path.write_bytes(b'{"kind": "train", "step": 1}\n{"kind": "tr')
    assert [record["step"] for record in tail.read_new()] == [1]
    with path.open("ab") as file:
        file.write(b'ain", "step": 2}\n')
    assert [record["step"] for record in tail.read_new()] == [2]


def test_a_replaced_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    tail = Tail(log.path)
    for record in make_records(range(1, 41)):
        log.append(record)
    tail.read_new()
    log.forget_after(20)
    kept = tail.read_new()
    assert [record["step"] for record in kept] == [10, 20, 20]


def test_a_position_selects_what_was_not_told_of_each_kind() -> None:
    first = Position(place="trackers", name="r", begun_at=0.0)
    records = make_records(range(1, 41))
    told = records[:4]
    position = first.after(told)
    assert position.sent == {"train": 30, "evaluation": 20}
    assert first.select_new(records) == records
    assert told + position.select_new(records) == records


@pytest.mark.parametrize("content", ["", "{", "[]", '{"place": 3}'])
def test_a_damaged_position_is_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "wandb.json"
    path.write_text(content)
    assert read_position(path) is None


def test_metrics_are_the_numbers_of_a_record() -> None:
    record = {"kind": "train", "step": 3, "loss": 1, "by": "x", "done": True, "parts": [1]}
    assert name_metrics(record) == {"train/loss": 1.0}


def test_configurations_are_flattened() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": None}, "e": [1]}) == {
        "a.b.c": 1, "a.d": None, "e": [1],
    }  # fmt: skip


@pytest.mark.parametrize("names", [("tensorbord",), ("wandb", "wandb")])
def test_names_are_checked_before_anything_starts(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="tracker"):
        Tracking(trackers=names)
