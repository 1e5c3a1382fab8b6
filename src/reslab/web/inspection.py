"""What a network is made of: by name or from a weights file."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from reslab.analysis.responses import compute_response_std
from reslab.analysis.subject import take_images
from reslab.errors import ConfigError
from reslab.networks.catalogue import find_network
from reslab.networks.complexity import Layer, NetworkDescription, describe_network
from reslab.networks.config import NetworkConfig
from reslab.web.library import Library
from reslab.web.workspace import WEIGHTS_SUFFIX, Workspace

MAX_BLOCKS = 1_000
RESPONSE_IMAGES = 200


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """A network with its layer table, and its weights file if it has one."""

    config: NetworkConfig
    description: NetworkDescription
    weights: Path | None


@dataclass(frozen=True, kw_only=True)
class StageCost:
    """What a part of a network costs."""

    stage: str
    params: int
    macs: int


@dataclass(frozen=True, kw_only=True)
class Responses:
    """Standard deviation of each 3×3 layer's response."""

    label: str
    family: str
    layers: Sequence[str]
    std: Sequence[float]


def inspect(
    name: str, workspace: Workspace, library: Library, *, shortcut: str | None = None
) -> Inspected:
    """A network by its name, or by its weights file below the folder.

    Args:
        name: as the catalogue knows it, or of a weights file.
        workspace: where the file is.
        library: opens it.
        shortcut: for a network of the catalogue; its own by default.

    Raises:
        ConfigError: if there is no such network or file, or it is too deep to be shown.
        WeightsError: if the file is damaged.
    """
    if not name.endswith(WEIGHTS_SUFFIX):
        config = find_network(name, shortcut=shortcut)
        return Inspected(config=config, description=_describe(config), weights=None)
    path = workspace.locate_weights(name)
    with library.use(path) as classifier:
        config = classifier.network.config
    return Inspected(config=config, description=_describe(config), weights=path)


@lru_cache(maxsize=32)
def _describe(config: NetworkConfig) -> NetworkDescription:
    if sum(config.blocks_per_stage) > MAX_BLOCKS:
        raise ConfigError(
            f"{config.name} has more than {MAX_BLOCKS:,} blocks, too many for this page: use "
            "`reslab describe`"
        )
    return describe_network(config)


def list_stage_costs(description: NetworkDescription) -> list[StageCost]:
    """Parameters and multiply-adds of stem, stages and head, in order."""
    groups: dict[str, list[Layer]] = {}
    seen_stage = False
    for layer in description.layers:
        first = layer.name.partition(".")[0]
        is_stage = first.startswith("layer")
        seen_stage |= is_stage
        stage = f"stage {first[5:]}" if is_stage else "head" if seen_stage else "stem"
        groups.setdefault(stage, []).append(layer)
    return [
        StageCost(
            stage=stage,
            params=sum(layer.params for layer in layers),
            macs=sum(layer.macs for layer in layers),
        )
        for stage, layers in groups.items()
    ]


def measure(net: Inspected, library: Library) -> Responses:
    """The responses of a trained network's layers on test images (He et al. 2016, Fig. 7).

    Args:
        net: with a weights file.
        library: opens it, and the data set it was trained on.

    Raises:
        ConfigError: if it has no weights, no such responses, or no data set fits it.
        DataError: if the data set is not there.
    """
    if net.weights is None:
        raise ConfigError(f"{net.config.name} is a name only: choose trained weights")
    dataset = library.find_data(net.weights, net.config)
    with library.use(net.weights) as classifier:
        device = classifier.preprocessing.mean.device
        images = take_images(dataset.test, RESPONSE_IMAGES, device)
        std = compute_response_std(classifier, images)
    return Responses(
        label=net.config.name,
        family=net.config.family,
        layers=list(std),
        std=[float(f"{value:.5g}") for value in std.values()],
    )
