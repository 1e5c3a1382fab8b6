"""The script for a GPU machine runs on a CPU, goes on where it stopped, and counts rightly."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from reslab.networks.catalogue import find_network
from tests.benchmarks.test_training_and_growth import FOLDER, run

PEAKS = {
    "macs_per_second": {"float32": 1e12, "bfloat16": 40e12},
    "copied_bytes_per_second": {"1000": 5e12, "1000000": 1e12},
}


@pytest.fixture
def floors(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return import_module("gpu_floors")


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return import_module("gpu_tables")


def test_it_measures_goes_on_and_trains_the_table(tmp_path: Path) -> None:
    few = ["--smoke", "--packing", "1", "--imagenet", "", "--out", str(tmp_path)]
    printed = run("gpu_training.py", *few)
    stored = json.loads((tmp_path / "progress.json").read_text())
    assert not [part for part in stored["parts"].values() if "not_offered" in part[0]]
    for words in ("common", "captured bfloat16", "over floor", "streams 1", "processes 1"):
        assert words in printed
    assert "resnet8  2 of 2" in printed
    assert "plain8   2 of 2" in printed
    # Whatever is there is not measured or trained again.
    assert run("gpu_training.py", *few) == printed
    assert json.loads((tmp_path / "progress.json").read_text()) == stored


def test_another_machines_measurements_are_not_mixed_in(tmp_path: Path) -> None:
    environment = {"device": "a GPU", "packages": {"torch": "2"}}
    progress = {"environment": environment, "parts": {}}
    (tmp_path / "progress.json").write_text(json.dumps(progress))
    with pytest.raises(AssertionError, match="a GPU with torch 2"):
        run("gpu_training.py", "--smoke", "--out", str(tmp_path))


def test_the_arithmetic_is_three_passes_of_the_macs(floors: Any) -> None:
    network = find_network("resnet20")
    floor = floors.compute_floor(network, 128, "float32", PEAKS)
    # Table 1's 40.8 million multiply-adds an image.
    assert floor.operations == pytest.approx(2 * 3 * 128 * 40.8e6, rel=0.01)
    assert floor.arithmetic_seconds == pytest.approx(floor.operations / 2e12)
    # The speed of the larger copy, which no cache holds.
    assert floor.memory_seconds == pytest.approx(floor.traffic_bytes / 1e12)
    assert floor.seconds == max(floor.arithmetic_seconds, floor.memory_seconds)
    assert floor.bound_by == "arithmetic"


def test_half_as_many_bytes_are_half_the_traffic(floors: Any) -> None:
    network = find_network("resnet20")
    full, half = (floors.compute_floor(network, 128, p, PEAKS) for p in ("float32", "bfloat16"))
    # But for the weights, which stay as they are.
    assert half.traffic_bytes / full.traffic_bytes == pytest.approx(0.5, abs=0.01)
    assert half.bound_by == "memory"


def test_a_projection_is_linear_in_depth(tables: Any) -> None:
    measured = {20: 0.5, 56: 1.4, 110: 2.75}
    assert tables.extrapolate(measured, 44) == pytest.approx(1.1)
    assert tables.extrapolate({20: 1.0, 56: 3.0}, 38) == pytest.approx(2.0)


def test_fast_paths_are_compared_with_the_simple_one(tmp_path: Path) -> None:
    sizes = ["--network", "resnet8", "--steps", "4", "--width", "4", "--seeds", "2"]
    printed = run(
        "final_error_of_fast_paths.py", *sizes, "--out", str(tmp_path), "--ways", "captured"
    )
    rows = json.loads((tmp_path / "final_errors.json").read_text())["rows"]
    assert [row["way"] for row in rows] == ["simple", "captured"]
    # On a CPU it is the same step called as it is.
    assert rows[1]["test_error_pct_difference"]["mean"] == 0
    assert "captured  simple" in printed


def test_a_way_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="--ways quantum: choose of simple, compiled"):
        run("final_error_of_fast_paths.py", "--out", str(tmp_path), "--ways", "quantum")


def test_without_measurements_it_says_so(tables: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(None, {}, {"resnet20/common": [{"not_offered": "no data"}]})
    printed = capsys.readouterr().out
    assert "resnet20/common: no data" in printed
    assert "nothing is measured yet" in printed


def test_it_needs_no_gpu_to_say_what_it_does() -> None:
    assert "usage" in run("gpu_training.py", "--help")
