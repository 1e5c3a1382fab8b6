"""He initialisation (He et al. 2015, Eqn. 10), which He et al. 2016 uses throughout."""

from torch import nn


def initialise_he(network: nn.Module) -> None:
    """Draw every weight from N(0, g²/fan_in): g² = 2 before a ReLU, 1 for the linear classifier.

    BN starts as the identity (γ = 1, β = 0); biases start at zero. The numbers come from PyTorch's
    default generator.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
