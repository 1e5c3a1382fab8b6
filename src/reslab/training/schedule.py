"""The learning rate: a pure function of the step and of what the run has shown so far."""

import math
from dataclasses import dataclass, replace

from reslab.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What the learning rate depends on beside the step."""

    warmed_up: bool = False
    """Whether the training error has fallen below the warm-up's bound."""
    running_error_pct: float | None = None
    """Of the training images, over the last steps logged."""
    divisions: int = 0
    """How often the error has reached a plateau."""
    best_error_pct: float | None = None
    """The lowest so far, of what decides on a plateau."""
    evaluations_since_best: int = 0
    """See `Recipe.patience`."""


def learning_rate_at(recipe: Recipe, step: int, progress: Progress) -> float:
    """Learning rate of the update that follows `step` updates.

    Args:
        recipe: gives rates and schedule.
        step: updates done so far.
        progress: what the run has shown.
    """
    if recipe.warm_up is not None and not progress.warmed_up:
        return recipe.warm_up.learning_rate
    if step < recipe.warm_up_steps:
        return recipe.learning_rate * (step + 1) / recipe.warm_up_steps
    if recipe.schedule == "cosine":
        done = (step - recipe.warm_up_steps) / (recipe.steps - recipe.warm_up_steps)
        return recipe.learning_rate * (1 + math.cos(math.pi * done)) / 2
    divisions = progress.divisions
    if recipe.schedule == "milestones":
        divisions = sum(step >= milestone for milestone in recipe.milestones)
    return recipe.learning_rate / recipe.division**divisions


def follow_log(recipe: Recipe, progress: Progress, running_error_pct: float) -> Progress:
    """Take note of the running training error; end the warm-up where it is low enough."""
    ends = recipe.warm_up is not None and running_error_pct < recipe.warm_up.until_train_error_pct
    return replace(
        progress,
        running_error_pct=running_error_pct,
        warmed_up=progress.warmed_up or ends,
    )


def follow_evaluation(
    recipe: Recipe, progress: Progress, validation_error_pct: float | None
) -> Progress:
    """Divide the rate after too many evaluations without a lower error (`Recipe.patience`).

    This is the rule of PyTorch's `ReduceLROnPlateau` with a threshold of zero.

    Args:
        recipe: of the run.
        progress: before the evaluation.
        validation_error_pct: None where nothing is held out; the running training error decides.
    """
    error_pct = progress.running_error_pct if validation_error_pct is None else validation_error_pct
    if recipe.schedule != "plateau" or error_pct is None:
        return progress
    if progress.best_error_pct is None or error_pct < progress.best_error_pct:
        return replace(progress, best_error_pct=error_pct, evaluations_since_best=0)
    waited = progress.evaluations_since_best + 1
    if waited <= recipe.patience:
        return replace(progress, evaluations_since_best=waited)
    return replace(progress, divisions=progress.divisions + 1, evaluations_since_best=0)
