"""From a network's name and images of one's own to a run's configuration."""

from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from reslab.data.config import ImageDataConfig
from reslab.data.image_set import ImageCollection
from reslab.data.sources.parts import Splitting
from reslab.errors import ConfigError
from reslab.networks.catalogue import IMAGENET_NETWORKS, find_network
from reslab.networks.config import NetworkConfig
from reslab.training.beginning import adapt_network
from reslab.training.image_recipes import (
    EPOCHS,
    IMAGE_RECIPES,
    RecipeName,
    schedule_image_evaluations,
)
from reslab.training.opening import open_collection
from reslab.training.recipe import Budget, Recipe
from reslab.training.run_config import ExecutionConfig, RunConfig

SMOKE_STEPS = 3
QUICK_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class ImageRunOptions:
    """What a user may choose of a run on images of one's own.

    Raises:
        ConfigError: if the length is given more than once.
    """

    recipe: RecipeName | None = None
    """By default `fine-tune` where weights are given, else `paper`."""
    weights: Path | None = None
    """A weights file to start from."""
    budget: Budget | None = None
    """`smoke` is three steps, `quick` a tenth of the recipe's length, `paper` all of it."""
    epochs: float | None = None
    """Passes over the training images, instead of a budget."""
    steps: int | None = None
    """Steps, instead of either."""
    shortcut: str | None = None
    """As `find_network` takes it."""
    width: int | None = None
    """As `find_network` takes it."""
    image_size: int | None = None
    """Height and width of what the network is shown; by default as it is meant for."""
    validation_fraction: float = 0.1
    """What is held out of each class where the data has neither a validation nor a test part."""
    split_seed: int = 0
    """Decides which."""
    recipe_changes: dict[str, Any] = field(default_factory=dict)
    """Fields of `Recipe` to set apart from the recipe's."""

    def __post_init__(self) -> None:
        given = [n for n in ("budget", "epochs", "steps") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} all say how long to train: give one of them")


def plan_image_run(
    name: str,
    path: Path | str,
    options: ImageRunOptions | None = None,
    *,
    seed: int = 0,
    execution: ExecutionConfig | None = None,
) -> RunConfig:
    """Resolve a run on images of one's own to the last default.

    Args:
        name: of the network, as `find_network` takes it.
        path: of the images, as `open_images` takes it; only their index is read.
        options: what the user chose.
        seed: decides everything random.
        execution: where it runs.

    Raises:
        DataError: if there is no data set at `path`.
        ConfigError: if a value is out of range, or the weights are of another network.
        WeightsError: if the weights file is missing or damaged.
    """
    options = options or ImageRunOptions()
    execution = replace(execution or ExecutionConfig(), data_path=str(path))
    splitting = Splitting(fraction=options.validation_fraction, seed=options.split_seed)
    data = describe_collection(open_collection(execution, splitting), splitting)
    recipe_name = options.recipe or ("paper" if options.weights is None else "fine-tune")
    network, starts_from = _plan_network(name, recipe_name, len(data.class_names), options)
    if options.weights is not None:
        execution = replace(execution, weights=str(options.weights))
    return RunConfig(
        network=network,
        data=data,
        recipe=_plan_recipe(recipe_name, network.input_size, data.train_count, options),
        seed=seed,
        starts_from=starts_from,
        execution=execution,
    )


def describe_collection(collection: ImageCollection, splitting: Splitting) -> ImageDataConfig:
    """What a run stores of its images."""
    counts = {part: len(images) for part, images in collection.parts.items()}
    return ImageDataConfig(
        name=PurePosixPath(collection.path.rstrip("/")).name or collection.path,
        digest=collection.digest(),
        class_names=collection.class_names,
        train_count=counts["train"],
        validation_count=counts.get("validation", 0),
        test_count=counts.get("test", 0),
        validation_fraction=splitting.fraction,
        split_seed=splitting.seed,
    )


def _plan_network(
    name: str, recipe: RecipeName, num_classes: int, options: ImageRunOptions
) -> tuple[NetworkConfig, str | None]:
    if options.weights is not None:
        if (options.shortcut, options.width) != (None, None):
            raise ConfigError(
                "shortcut and width are those of the weights to start from: leave them out"
            )
        network, digest = adapt_network(options.weights, name, num_classes)
        size = options.image_size or network.input_size
        return replace(network, input_size=size), digest
    if recipe == "fine-tune":
        raise ConfigError("fine-tuning starts from trained weights: add --weights FILE")
    if recipe == "modern" and f"{name}-v1.5" in IMAGENET_NETWORKS:
        name = f"{name}-v1.5"
    network = find_network(
        name,
        shortcut=options.shortcut,
        width=options.width,
        num_classes=num_classes,
        input_size=options.image_size,
    )
    return network, None


def _plan_recipe(
    name: RecipeName, image_size: int, train_count: int, options: ImageRunOptions
) -> Recipe:
    build, changes = IMAGE_RECIPES[name], options.recipe_changes
    batch_size = changes.get("batch_size", build(1, image_size).batch_size)
    steps = _count_steps(name, batch_size, train_count, options)
    recipe = replace(build(steps, image_size), **changes)
    return schedule_image_evaluations(recipe, train_count)


def _count_steps(
    name: RecipeName, batch_size: int, train_count: int, options: ImageRunOptions
) -> int:
    if options.steps is not None:
        return options.steps
    if options.budget == "smoke":
        return SMOKE_STEPS
    epochs = EPOCHS[name] if options.epochs is None else options.epochs
    if options.budget == "quick":
        epochs *= QUICK_SHARE
    return max(1, round(epochs * train_count / batch_size))
