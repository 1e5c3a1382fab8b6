"""Stages that keep the weights they have, as is usual where little data is at hand."""

from torch import nn

from reslab.errors import ConfigError
from reslab.networks.resnet import ResNet


def freeze(network: ResNet, stages: int) -> list[nn.Module]:
    """Let stem and first `stages` stages get no gradient.

    Their BN statistics move all the same in training mode: `eval()` what is returned after each
    `train()` of the network.

    Returns:
        The modules; none for 0 stages.

    Raises:
        ConfigError: if the network has not so many stages.
    """
    total = len(network.stage_names)
    if stages > total:
        raise ConfigError(f"cannot freeze {stages} stages of {network.config.name}: it has {total}")
    names = ["conv1", "bn1", *network.stage_names[:stages]] if stages else []
    frozen = [network.get_submodule(name) for name in names]
    for module in frozen:
        module.requires_grad_(requires_grad=False)
    return frozen
