"""Runs on images of one's own: planned, trained, interrupted, fine-tuned."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from reslab.errors import ConfigError, DataError, WeightsError
from reslab.networks.weights import load
from reslab.runs.directory import RunDirectory
from reslab.training.image_plan import ImageRunOptions, plan_image_run
from reslab.training.loop import Observer, train
from reslab.training.opening import load_data, open_session
from reslab.training.run_config import ExecutionConfig, RunConfig, run_config_from

PlanRun = Callable[..., RunConfig]


@pytest.fixture
def plan(photos: Path) -> PlanRun:
    """A run of a tiny ResNet-8 on the photographs."""

    def plan(
        path: Path = photos, name: str = "resnet8", execution: Any = None, **options: Any
    ) -> RunConfig:
        where = ExecutionConfig(device="cpu", threads=1, workers=0, compile="never")
        where = replace(where, **(execution or {}))
        changes = {"batch_size": 16} | options.pop("recipe_changes", {})
        options = {"steps": 12, "image_size": 16, "validation_fraction": 0.2} | options
        if "weights" not in options:
            options["width"] = 4
        return plan_image_run(
            name, path, ImageRunOptions(recipe_changes=changes, **options), execution=where
        )

    return plan


def test_a_run_ends_with_errors_of_both_parts_and_weights_that_know_the_classes(
    plan: PlanRun, tmp_path: Path
) -> None:
    result = train(plan(), tmp_path / "run")
    assert result.state == "finished"
    assert result.train_error_pct is not None
    assert result.validation_error_pct is not None
    assert result.test_error_pct is None
    classifier = load(tmp_path / "run" / "weights.safetensors")
    assert classifier.class_names == tuple(f"digit {digit}" for digit in range(10))
    assert classifier.preprocessing.mean.shape == (3, 16, 16)
    assert classifier.preprocessing.geometry.crop == 16


def test_the_stored_configuration_is_the_run(plan: PlanRun) -> None:
    for recipe in ("paper", "modern"):
        config = plan(recipe=recipe)
        assert run_config_from(config.to_document(), "config.json") == config


def test_an_interrupted_run_ends_with_the_same_bits(plan: PlanRun, tmp_path: Path) -> None:
    config = plan(recipe_changes={"colour_shift": 0.1, "average_decay": 0.8})
    recipe = replace(
        config.recipe, checkpoint_every_steps=5, test_every_steps=4, train_error_every_steps=6
    )
    config = replace(config, recipe=recipe)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(config, whole)

    def fail(step: int, _total: int) -> None:
        if step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, broken, observer=Observer(on_step=fail))
    # Another number of worker processes changes nothing.
    workers = replace(config, execution=replace(config.execution, workers=2))
    train(workers, broken, resume=True)
    ours, theirs = (load(path / "weights.safetensors").state_dict() for path in (whole, broken))
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


def test_a_plateau_divides_the_rate_of_the_very_next_step(plan: PlanRun) -> None:
    config = plan(recipe_changes={"patience": 0})
    config = replace(config, recipe=replace(config.recipe, log_every_steps=10))
    with open_session(config, load_data(config)) as session:
        session.advance()
        session.progress = replace(session.progress, divisions=1)
        session.advance()
        assert float(session.optimizer.param_groups[0]["lr"]) == pytest.approx(0.01)


def test_fine_tuning_takes_over_all_but_the_head(
    plan: PlanRun, photos: Path, tmp_path: Path
) -> None:
    train(plan(), tmp_path / "first")
    weights = tmp_path / "first" / "weights.safetensors"
    fewer = tmp_path / "fewer"
    for digit in range(3):
        shutil.copytree(photos / f"digit {digit}", fewer / f"digit {digit}")
    config = plan(fewer, weights=weights, image_size=None)
    assert config.network.num_classes == 3
    assert config.recipe.learning_rate == 0.01
    trained = load(weights)
    with open_session(config, load_data(config)) as session:
        begun = session.classifier
        for name, tensor in trained.network.state_dict().items():
            if not name.startswith("fc."):
                assert torch.equal(begun.network.state_dict()[name], tensor), name
        assert begun.network.fc.out_features == 3
        assert torch.equal(begun.preprocessing.mean, trained.preprocessing.mean)
    same_classes = plan(weights=weights, image_size=None)
    with open_session(same_classes, load_data(same_classes)) as session:
        assert torch.equal(session.classifier.network.fc.weight, trained.network.fc.weight)


def test_frozen_stages_keep_weights_and_statistics(plan: PlanRun) -> None:
    config = plan(recipe_changes={"frozen_stages": 2})
    with open_session(config, load_data(config)) as session:
        network = session.classifier.network
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        for _ in range(3):
            session.advance()
        changed = {
            name.split(".")[0]
            for name, tensor in network.state_dict().items()
            if not torch.equal(tensor, before[name])
        }
    assert changed == {"layer3", "fc"}


def test_a_broken_image_is_named_once_and_listed(
    plan: PlanRun, photos: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "photos"
    shutil.copytree(photos, damaged)
    victim = sorted(damaged.rglob("*.jpg"))[0]
    victim.write_bytes(victim.read_bytes()[:80])
    messages: list[str] = []
    config = plan(damaged, steps=30)
    result = train(config, tmp_path / "run", observer=Observer(on_message=messages.append))
    assert result.unreadable_images == 1
    assert sum(victim.name in message for message in messages) == 1
    assert victim.name in (tmp_path / "run" / "unreadable_images.json").read_text()


def test_images_that_changed_are_not_trained_on(
    plan: PlanRun, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    config = plan(folder)
    sorted(folder.rglob("*.jpg"))[0].unlink()
    with pytest.raises(DataError, match="are not those that the run was planned with"):
        train(config, tmp_path / "run")


def test_mistakes_are_told(plan: PlanRun, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="add --weights FILE"):
        plan(recipe="fine-tune")
    with pytest.raises(ConfigError, match="give one of them"):
        plan(steps=3, epochs=2.0)
    with pytest.raises(WeightsError, match="no such file"):
        plan(weights=tmp_path / "none.safetensors")
    config = plan(recipe_changes={"frozen_stages": 4})
    collection = load_data(config)
    with pytest.raises(ConfigError, match="it has 3"):
        open_session(config, collection)


def test_weights_of_another_network_are_refused(plan: PlanRun, tmp_path: Path) -> None:
    train(plan(steps=1), tmp_path / "run")
    weights = tmp_path / "run" / "weights.safetensors"
    with pytest.raises(ConfigError, match="holds resnet8, not resnet14"):
        plan(name="resnet14", weights=weights)


def test_modern_bottlenecks_have_their_stride_on_the_3x3(plan: PlanRun) -> None:
    assert plan(name="resnet50", recipe="modern").network.name == "resnet50-v1.5"
    assert plan(name="resnet50", recipe="paper").network.name == "resnet50"


def test_lengths(plan: PlanRun) -> None:
    train_count = plan().data.train_count
    assert plan(steps=None, budget="smoke").recipe.steps == 3
    assert plan(steps=None, epochs=2.0).recipe.steps == round(2 * train_count / 16)
    assert plan(steps=None).recipe.steps == round(120 * train_count / 16)
    assert plan(steps=None, budget="quick").recipe.steps == round(12 * train_count / 16)


def test_two_processes_decode_half_of_each_batch_and_take_the_steps_of_one(
    plan: PlanRun, tmp_path: Path
) -> None:
    found = []
    for ranks in (1, 2):
        folder = tmp_path / str(ranks)
        options = {"recipe": "modern", "steps": 6, "recipe_changes": {"batch_parts": 2}}
        train(plan(execution={"ranks": ranks}, **options), folder)
        records = RunDirectory(folder).read_metrics()
        losses = [record["loss"] for record in records if record["kind"] == "train"]
        errors = [r["validation_error_pct"] for r in records if "validation_error_pct" in r]
        found.append((losses, errors, load(folder / "weights.safetensors").state_dict()))
    one, two = found
    assert one[0] == two[0]
    # As many wrong, though they are classified in other batches: of the averaged weights.
    assert one[1] == two[1]
    assert all(torch.equal(one[2][name], two[2][name]) for name in one[2])
