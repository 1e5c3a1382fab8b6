import json
import math
from pathlib import Path

import pytest
import torch

from reslab.data.load import load_dataset
from reslab.errors import ConfigError, RunError
from reslab.evaluation.accuracy import compute_accuracy
from reslab.networks.weights import load
from reslab.runs.directory import RunDirectory
from reslab.training.loop import Observer, train
from reslab.training.recipe import WarmUp
from tests.training.conftest import MakeConfig


def test_a_run_leaves_all_that_is_needed_to_understand_it(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(steps=30)
    result = train(config, tmp_path / "run")
    run = RunDirectory(tmp_path / "run")
    assert result.state == "finished"
    assert run.read_config()["digest"] == config.digest == result.digest
    environment = json.loads(run.environment_path.read_text())
    assert environment["packages"]["torch"]
    assert environment["threads"] == 1
    records = run.read_metrics()
    assert records[-1]["step"] == 30
    assert {"train_error_pct", "test_error_pct"} <= records[-1].keys()


def test_the_stored_weights_have_the_reported_errors(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    result = train(make_config(steps=40), tmp_path / "run")
    classifier = load(tmp_path / "run" / "weights.safetensors")
    dataset = load_dataset("digits")
    assert compute_accuracy(classifier, dataset.train).error_pct == result.train_error_pct
    assert compute_accuracy(classifier, dataset.test).error_pct == result.test_error_pct
    assert classifier.preprocessing.mean.shape == (1, 8, 8)


def test_it_learns(make_config: MakeConfig, tmp_path: Path) -> None:
    result = train(make_config(steps=150), tmp_path / "run")
    assert result.test_error_pct is not None
    assert result.test_error_pct < 15


def test_the_same_seed_gives_the_same_bits_and_another_does_not(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        train(make_config(seed=seed), tmp_path / name)
    a, b, c = (load(tmp_path / name / "weights.safetensors").state_dict() for name in "abc")
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not torch.equal(a["network.conv1.weight"], c["network.conv1.weight"])


def test_training_leaves_the_callers_random_state_and_threads_alone(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    threads = torch.get_num_threads()
    torch.manual_seed(1)
    train(make_config(steps=2), tmp_path / "run")
    assert torch.equal(torch.rand(2), expected)
    assert torch.get_num_threads() == threads


def test_divergence_is_a_result(make_config: MakeConfig, tmp_path: Path) -> None:
    result = train(make_config(steps=40, learning_rate=1e30), tmp_path / "run")
    assert result.state == "diverged"
    assert result.steps_done < 40
    assert result.train_loss is None or math.isfinite(result.train_loss)
    assert train(make_config(steps=40, learning_rate=1e30), tmp_path / "run", resume=True) == result


def test_a_folder_is_written_only_by_its_own_run(make_config: MakeConfig, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = train(make_config(), folder)
    with pytest.raises(RunError, match="--resume"):
        train(make_config(), folder)
    with pytest.raises(ConfigError, match=r"seed 0 there, 1 here"):
        train(make_config(seed=1), folder, resume=True)
    assert train(make_config(), folder, resume=True) == first


def test_two_processes_cannot_write_one_run(make_config: MakeConfig, tmp_path: Path) -> None:
    with (
        RunDirectory(tmp_path / "run").lock(),
        pytest.raises(RunError, match="another process"),
    ):
        train(make_config(), tmp_path / "run")


def test_an_observer_hears_every_step_and_record(make_config: MakeConfig, tmp_path: Path) -> None:
    steps: list[int] = []
    records: list[dict[str, object]] = []
    observer = Observer(on_step=lambda done, _: steps.append(done), on_record=records.append)
    train(make_config(), tmp_path / "run", observer=observer)
    assert steps == list(range(1, 13))
    assert records == RunDirectory(tmp_path / "run").read_metrics()


def test_the_warm_up_ends_by_the_running_error(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(steps=120, warm_up=WarmUp(), milestones=())
    train(config, tmp_path / "run")
    logged = [r for r in RunDirectory(tmp_path / "run").read_metrics() if r["kind"] == "train"]
    end = next(i for i, r in enumerate(logged) if r["running_train_error_pct"] < 80) + 1
    assert {r["learning_rate"] for r in logged[:end]} == {0.01}
    assert {r["learning_rate"] for r in logged[end:]} == {0.1}
