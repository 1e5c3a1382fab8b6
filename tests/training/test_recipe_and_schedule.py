from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reslab.data.config import DATASET_SHAPES
from reslab.errors import ConfigError
from reslab.training.recipe import Recipe, paper_recipe, recipe_for, scale_recipe
from reslab.training.schedule import Progress, follow_log, learning_rate_at
from reslab.training.step import build_optimizer


def test_the_recipe_is_that_of_section_4_2() -> None:
    recipe = paper_recipe(56)
    assert (recipe.steps, recipe.milestones, recipe.batch_size) == (64_000, (32_000, 48_000), 128)
    assert (recipe.learning_rate, recipe.momentum, recipe.weight_decay) == (0.1, 0.9, 1e-4)
    assert (recipe.crop_padding, recipe.flip, recipe.warm_up) == (4, True, None)


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.1), (31_999, 0.1), (32_000, 0.01), (47_999, 0.01), (48_000, 0.001)]
)
def test_the_learning_rate_falls_at_32k_and_48k(step: int, rate: float) -> None:
    assert learning_rate_at(paper_recipe(20), step, Progress()) == pytest.approx(rate)


def test_110_layers_warm_up_until_the_error_is_below_80_percent() -> None:
    recipe = paper_recipe(110)
    assert learning_rate_at(recipe, 400, Progress()) == 0.01
    assert learning_rate_at(recipe, 400, Progress(warmed_up=True)) == 0.1
    assert not follow_log(recipe, Progress(), 80.0).warmed_up
    assert follow_log(recipe, Progress(), 79.9).warmed_up
    assert follow_log(recipe, Progress(warmed_up=True), 90.0).warmed_up
    assert not follow_log(paper_recipe(56), Progress(), 10.0).warmed_up


@given(st.integers(1, 200_000))
def test_a_scaled_recipe_keeps_its_proportions(steps: int) -> None:
    recipe = scale_recipe(paper_recipe(20), steps)
    assert recipe.steps == steps
    for ours, papers in zip(recipe.milestones, (32_000, 48_000), strict=True):
        assert abs(ours - papers * steps / 64_000) <= 1
    assert min(recipe.log_every_steps, recipe.test_every_steps) >= 1


@given(st.integers(1, 100))
def test_scaling_to_the_same_length_changes_nothing(depth: int) -> None:
    assert scale_recipe(paper_recipe(depth), 64_000) == paper_recipe(depth)


@given(st.sampled_from(["digits", "cifar10"]), st.integers(100, 100_000))
def test_evaluations_cost_little_beside_the_training(data: str, steps: int) -> None:
    recipe, shape = recipe_for(data, 20, steps), DATASET_SHAPES[data]
    limit = recipe.evaluation_images or shape.train_count
    train_images = steps // recipe.train_error_every_steps * min(limit, shape.train_count)
    test_images = steps // recipe.test_every_steps * min(limit, shape.test_count)
    # A forward pass is about a third of a step on the same images.
    assert train_images / 3 <= 0.06 * steps * 128
    assert test_images / 3 <= 0.26 * steps * 128


def test_the_papers_budget_evaluates_everything_twenty_times() -> None:
    recipe = recipe_for("cifar10", 56, 64_000)
    assert (recipe.test_every_steps, recipe.train_error_every_steps) == (3_200, 3_200)
    assert recipe.evaluation_images is None


def test_digits_are_cropped_but_never_mirrored() -> None:
    recipe = recipe_for("digits", 20, 100)
    assert (recipe.crop_padding, recipe.flip) == (1, False)


@pytest.mark.parametrize(
    "change", [{"steps": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"crop_padding": -1}]
)
def test_impossible_values_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(change))):
        replace(paper_recipe(20), **change)  # type: ignore[arg-type]


def test_what_decays_is_a_choice() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, bias=False), torch.nn.BatchNorm2d(2))
    recipe = Recipe(steps=1)
    (everything,) = build_optimizer(network, recipe).param_groups
    assert (len(everything["params"]), everything["weight_decay"]) == (3, 1e-4)
    decayed, spared = build_optimizer(network, replace(recipe, decayed="weights")).param_groups
    assert [p.dim() for p in decayed["params"]] == [4]
    assert [p.dim() for p in spared["params"]] == [1, 1]
    assert spared["weight_decay"] == 0
