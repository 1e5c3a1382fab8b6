"""The scripts run, and what they compare is what they say."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from reslab.networks.catalogue import find_network
from reslab.networks.complexity import describe_network

FOLDER = Path(__file__).parents[2] / "benchmarks"


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(FOLDER / script), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def baselines(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return import_module("training_baselines")


@pytest.fixture
def growth(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return import_module("growth")


def test_training_is_measured_beside_a_baseline(tmp_path: Path) -> None:
    sizes = ["--networks", "resnet8", "--batch", "16", "--threads", "1", "--rounds", "1"]
    steps = ["--steps", "1", "--warm-up-steps", "1", "--least", "1", "--peak-seconds", "0.01"]
    variants = ["--baselines", "common", "--loaders", "0", "--ours", "ours:compile=never"]
    study = ["--study", "--runs", "1"]
    files = ["--out", str(tmp_path / "t.json"), "--figure", str(tmp_path / "t.png")]
    printed = run("training.py", *sizes, *steps, *variants, *study, *files)
    rows = {row["variant"]: row for row in json.loads((tmp_path / "t.json").read_text())["rows"]}
    assert list(rows) == ["common", "ours", "ours, a run on each core"]
    for name, row in rows.items():
        assert name in printed
        assert row["end_to_end"]["median"] > 0
        assert 0 < row["peak_pct"]["median"] < 150
    assert rows["common"]["end_to_end_ratio"]["median"] == 1
    # The step alone is at least as fast as the loop around it.
    assert rows["ours"]["step"]["median"] > rows["ours"]["end_to_end"]["median"]
    assert (tmp_path / "t.png").stat().st_size > 1_000


def test_growth_is_measured_and_fitted(tmp_path: Path) -> None:
    axes = ["--depths", "", "--widths", "", "--image-sizes", "", "--batches", "16,64"]
    few = ["--steps", "2", "--threads", "1"]
    files = ["--out", str(tmp_path / "g.json"), "--figure", str(tmp_path / "g.png")]
    printed = run("growth.py", *axes, *few, *files)
    stored = json.loads((tmp_path / "g.json").read_text())
    assert "growth" in printed
    assert [fit["quantity"] for fit in stored["fits"]] == ["time", "memory"]
    for point in stored["points"]:
        assert 0.9 < point["memory_bytes"] / point["formula_bytes"] < 1.5
    assert (tmp_path / "g.png").stat().st_size > 1_000


@pytest.mark.parametrize(("power", "flagged"), [(0.8, False), (1.0, False), (1.2, True)])
def test_what_grows_faster_than_its_formula_is_flagged(
    power: float, flagged: bool, growth: Any
) -> None:
    formula = [1e6, 4e6, 16e6]
    points = [
        growth.Point(
            axis="depth", value=value, depth=value, width=16, batch=8, image_size=32,
            step_seconds=1.0, fastest_step_seconds=1.0, memory_bytes=1, occupied_bytes=1,
            formula_macs=1, formula_bytes=1,
        )
        for value in (10, 20, 40)
    ]  # fmt: skip
    fit = growth.fit("memory", points, [3 * f**power for f in formula], formula, margin=0.1)
    assert fit.against_formula == pytest.approx(power)
    assert fit.formula_exponent == pytest.approx(2)
    assert fit.exponent == pytest.approx(2 * power)
    assert fit.flagged is flagged


@pytest.mark.parametrize("name", ["resnet20", "plain20"])
def test_the_common_network_has_the_same_sizes(name: str, baselines: Any) -> None:
    config = find_network(name)
    network = baselines.build_baseline("common", config, None)
    assert count_params(network) == describe_network(config).params
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize("name", ["resnet20", "resnet18", "resnet50", "resnet50-v1.5"])
def test_transformers_has_the_same_sizes_with_option_b(name: str, baselines: Any) -> None:
    pytest.importorskip("transformers")
    config = find_network(name, shortcut="B")
    network = baselines.build_baseline("transformers", config, None)
    assert count_params(network) == describe_network(config).params


def test_a_baseline_says_what_it_does_not_offer(baselines: Any, tmp_path: Path) -> None:
    for name, network in (("transformers", "plain20"), ("common", "resnet50")):
        with pytest.raises(baselines.NotOfferedError):
            baselines.build_baseline(name, find_network(network), None)
    with pytest.raises(baselines.NotOfferedError, match=r"no resnet\.py"):
        baselines.build_baseline("akamaster", find_network("resnet20"), str(tmp_path))


def test_the_common_loop_learns(baselines: Any) -> None:
    torch.manual_seed(0)
    config = find_network("resnet8", width=4, num_classes=2)
    loop = baselines.CommonLoop(
        baselines.build_baseline("common", config, None), torch.device("cpu"), autocast=False
    )
    images = torch.randn(16, 3, 32, 32)
    labels = (images.mean(dim=(1, 2, 3)) > 0).long()
    losses = [float(loop.step(images, labels)[0].detach()) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]


def count_params(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
