"""Learning rates against PyTorch's own schedulers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, ReduceLROnPlateau

from reslab.training.image_recipes import fine_tuning_recipe, imagenet_recipe, modern_recipe
from reslab.training.recipe import Recipe
from reslab.training.schedule import Progress, follow_evaluation, follow_log, learning_rate_at


def make_optimizer(rate: float) -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def test_the_cosine_is_that_of_pytorch() -> None:
    recipe = Recipe(steps=50, schedule="cosine", learning_rate=0.3)
    optimizer = make_optimizer(0.3)
    scheduler = CosineAnnealingLR(optimizer, T_max=50)
    for step in range(50):
        assert learning_rate_at(recipe, step, Progress()) == pytest.approx(
            optimizer.param_groups[0]["lr"]
        )
        optimizer.step()
        scheduler.step()


def test_the_warm_up_is_that_of_pytorch_and_ends_at_the_full_rate() -> None:
    recipe = Recipe(steps=50, schedule="cosine", learning_rate=0.3, warm_up_steps=8)
    optimizer = make_optimizer(0.3)
    scheduler = LinearLR(optimizer, start_factor=1 / 8, total_iters=7)
    for step in range(8):
        assert learning_rate_at(recipe, step, Progress()) == pytest.approx(
            optimizer.param_groups[0]["lr"]
        )
        optimizer.step()
        scheduler.step()
    assert learning_rate_at(recipe, 7, Progress()) == learning_rate_at(recipe, 8, Progress()) == 0.3


@given(
    errors=st.lists(st.sampled_from([10.0, 20.0, 20.5, 30.0, 90.0]), max_size=30),
    patience=st.integers(0, 4),
)
def test_plateaus_are_those_of_pytorch(errors: list[float], patience: int) -> None:
    recipe = Recipe(steps=1_000, schedule="plateau", patience=patience, division=10.0)
    optimizer = make_optimizer(0.1)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.1, patience=patience, threshold=0.0, eps=0.0)
    progress = Progress()
    for error_pct in errors:
        scheduler.step(error_pct)
        progress = follow_evaluation(recipe, progress, error_pct)
        assert learning_rate_at(recipe, 5, progress) == pytest.approx(
            optimizer.param_groups[0]["lr"]
        )


def test_without_a_validation_part_the_running_error_decides() -> None:
    recipe = Recipe(steps=100, schedule="plateau", patience=0)
    progress = follow_evaluation(recipe, Progress(), None)
    assert progress == Progress()
    for error_pct in (50.0, 50.0):
        progress = follow_evaluation(recipe, follow_log(recipe, progress, error_pct), None)
    assert progress.divisions == 1


def test_the_recipe_of_section_3_4() -> None:
    recipe = imagenet_recipe(600_000)
    assert (recipe.batch_size, recipe.learning_rate, recipe.momentum) == (256, 0.1, 0.9)
    assert (recipe.weight_decay, recipe.schedule, recipe.division) == (1e-4, "plateau", 10.0)
    assert recipe.view is not None
    assert (recipe.view.size, recipe.view.shortest, recipe.view.longest) == (224, 256, 480)  # type: ignore[union-attr]
    assert (recipe.normalise, recipe.colour_shift) == ("pixel", 0.1)


def test_the_average_spans_a_hundredth_of_a_modern_run() -> None:
    decay = modern_recipe(20_000).average_decay
    assert decay is not None
    assert 1 / (1 - decay) == pytest.approx(200)
    assert modern_recipe(10).average_decay == 0


def test_fine_tuning_starts_at_a_tenth() -> None:
    assert fine_tuning_recipe(100).learning_rate == Recipe(steps=1).learning_rate / 10
