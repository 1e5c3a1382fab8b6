"""The learning rate: a pure function of the step and of whether the warm-up is over."""

from reslab.training.recipe import Recipe


def learning_rate_at(recipe: Recipe, step: int, *, warmed_up: bool) -> float:
    """Learning rate of the update that follows `step` updates.

    Args:
        recipe: gives the rates and milestones.
        step: updates done so far.
        warmed_up: whether the training error has fallen below the warm-up's bound.
    """
    if recipe.warm_up is not None and not warmed_up:
        return recipe.warm_up.learning_rate
    passed = sum(step >= milestone for milestone in recipe.milestones)
    return recipe.learning_rate / recipe.division**passed


def ends_warm_up(recipe: Recipe, running_train_error_pct: float) -> bool:
    """Whether the running training error is low enough to go on at the full learning rate."""
    return (
        recipe.warm_up is not None
        and running_train_error_pct < recipe.warm_up.until_train_error_pct
    )
