"""From a network's name and a few options to a run's configuration."""

from dataclasses import replace
from typing import Any

from reslab.data.config import DATASET_SHAPES, DataConfig
from reslab.networks.catalogue import find_network
from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.training.recipe import recipe_for
from reslab.training.run_config import ExecutionConfig, RunConfig


def plan_network(
    name: str, data: DataConfig, *, shortcut: str | None = None, width: int | None = None
) -> NetworkConfig:
    """The network `name` for a data set's classes, channels and image size.

    Args:
        name: as `find_network` takes it.
        data: what it will train on.
        shortcut: as `find_network` takes it.
        width: as `find_network` takes it.

    Raises:
        ConfigError: if there is no such network.
    """
    shape = DATASET_SHAPES[data.name]
    return find_network(
        name,
        shortcut=shortcut,
        width=width,
        num_classes=shape.num_classes,
        in_channels=shape.channels,
        input_size=shape.image_size,
    )


def plan_run(
    network: NetworkConfig,
    data: DataConfig,
    *,
    steps: int,
    seed: int = 0,
    execution: ExecutionConfig | None = None,
    recipe_changes: dict[str, Any] | None = None,
) -> RunConfig:
    """Resolve a run to the last default.

    Args:
        network: what trains.
        data: what it trains on.
        steps: length of the run; the recipe's milestones scale with it.
        seed: decides everything random.
        execution: where it runs.
        recipe_changes: fields of `Recipe` to set apart from the paper's.

    Raises:
        ConfigError: if a value is out of range.
    """
    depth = describe_network(network).weighted_layers
    recipe = replace(recipe_for(data.name, depth, steps), **(recipe_changes or {}))
    return RunConfig(
        network=network,
        data=data,
        recipe=recipe,
        seed=seed,
        execution=execution or ExecutionConfig(),
    )
