"""The table of runs as it changes, measurements as they come, and differences."""

import json
import time
from pathlib import Path
from typing import Any

from reslab.runs.metrics import MetricsLog, read_metrics
from reslab.web.differences import find_differences, flatten
from reslab.web.run_table import RunTable
from reslab.web.tail import MetricsTails
from tests.web.making import make_run


def test_changes_are_what_a_browser_has_not_seen(tmp_path: Path) -> None:
    make_run(tmp_path / "a", steps=10)
    table = RunTable(tmp_path, max_age_seconds=0)
    version, rows = table.rows()
    assert [row["name"] for row in rows] == ["a"]
    assert table.changes(version).is_empty
    make_run(tmp_path / "b", steps=10)
    MetricsLog(tmp_path / "a" / "metrics.jsonl").append({"kind": "train", "step": 3})
    changes = table.changes(version)
    assert [row["name"] for row in changes.added] == ["b"]
    assert [(row["name"], row["step"]) for row in changes.updated] == [("a", 3)]
    assert table.changes(changes.version).is_empty
    assert len(table.changes(0).added) == 2


def test_runs_that_go_and_come_back(tmp_path: Path) -> None:
    make_run(tmp_path / "a", steps=10)
    table = RunTable(tmp_path, max_age_seconds=0)
    version, _ = table.rows()
    (tmp_path / "a").rename(tmp_path.parent / f"{tmp_path.name}-away")
    gone = table.changes(version)
    assert gone.removed == ({"name": "a"},)
    (tmp_path.parent / f"{tmp_path.name}-away").rename(tmp_path / "a")
    # Who saw it go adds it; who saw nothing still shows it.
    assert [row["name"] for row in table.changes(gone.version).added] == ["a"]
    assert [row["name"] for row in table.changes(version).updated] == ["a"]


def test_one_look_serves_many_browsers(tmp_path: Path) -> None:
    table = RunTable(tmp_path, max_age_seconds=3600)
    version, rows = table.rows()
    make_run(tmp_path / "a", steps=10)
    assert rows == []
    assert table.changes(version).is_empty


def test_versions_of_a_table_served_before_are_foreign(tmp_path: Path) -> None:
    make_run(tmp_path / "a", steps=10)
    before, _ = RunTable(tmp_path).rows()
    time.sleep(0.005)
    table = RunTable(tmp_path)
    assert table.is_foreign(before)
    assert not table.is_foreign(table.rows()[0])


def test_thousands_of_runs_are_asked_for_without_delay(tmp_path: Path) -> None:
    make_run(tmp_path / "run-0", steps=10)
    config = (tmp_path / "run-0" / "config.json").read_bytes()
    for i in range(1, 3000):
        (tmp_path / f"run-{i}").mkdir()
        (tmp_path / f"run-{i}" / "config.json").write_bytes(config)
    table = RunTable(tmp_path)
    version, rows = table.rows()
    began = time.perf_counter()
    for _ in range(100):
        assert table.changes(version).is_empty
    assert len(rows) == 3000
    # A look of its own for each would take a hundred times as long.
    assert time.perf_counter() - began < 2


def test_tail_reads_what_the_whole_file_says(tmp_path: Path) -> None:
    path, tails = tmp_path / "metrics.jsonl", MetricsTails()
    assert tails.read(path) == []
    log = MetricsLog(path)
    for step in range(1, 20):
        log.append({"kind": "train", "step": step, "loss": 1 / step})
        if step % 3 == 0:
            assert tails.read(path) == read_metrics(path)


def test_tail_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    path, tails = tmp_path / "metrics.jsonl", MetricsTails()
    line = json.dumps({"kind": "train", "step": 7})
    path.write_text(line[:10])
    assert tails.read(path) == []
    path.write_text(f"{line}\n")
    assert [record["step"] for record in tails.read(path)] == [7]


def test_tail_begins_anew_with_a_file_written_anew(tmp_path: Path) -> None:
    path, tails = tmp_path / "metrics.jsonl", MetricsTails()
    log = MetricsLog(path)
    for step in (1, 2, 3):
        log.append({"kind": "train", "step": step})
    assert len(tails.read(path)) == 3
    log.forget_after(1)
    log.append({"kind": "train", "step": 2})
    log.append({"kind": "train", "step": 3})
    assert [record["step"] for record in tails.read(path)] == [1, 2, 3]


def test_differences_are_only_what_differs() -> None:
    one: dict[str, Any] = {
        "seed": 0,
        "recipe": {"steps": 5, "flip": True, "warm_up": None},
        "w": [1, 2],
    }
    other: dict[str, Any] = {"seed": 1, "recipe": {"steps": 5, "flip": False}, "w": [1, 2]}
    assert find_differences([one, other]) == [
        ("seed", ["0", "1"]),
        ("recipe.flip", ["yes", "no"]),
        ("recipe.warm_up", ["none", "–"]),
    ]
    assert find_differences([one, one]) == []
    assert flatten(one)["recipe.steps"] == 5
