"""A trained network with all that is needed to use it: preprocessing, class names, origin."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from reslab.errors import ConfigError
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import ResNet


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a set of weights came from."""

    source: str
    """In words: the run that trained them, or the file and library they were converted from."""
    details: dict[str, Any] = field(default_factory=dict)
    """Anything else worth keeping, in plain JSON types."""


class Classifier(nn.Module):
    """Pixels in, logits out.

    Args:
        network: the network itself.
        preprocessing: what it expects of its images.
        class_names: one name per output, in order.
        provenance: where the weights came from.

    Raises:
        ConfigError: if the names or channels do not fit the network.
    """

    def __init__(
        self,
        network: ResNet,
        preprocessing: Preprocessing,
        class_names: tuple[str, ...],
        provenance: Provenance,
    ) -> None:
        super().__init__()
        outputs, channels = network.config.num_classes, network.config.in_channels
        if len(class_names) != outputs:
            raise ConfigError(f"{len(class_names)} class names for a network of {outputs} classes")
        if preprocessing.geometry.channels != channels:
            raise ConfigError(
                f"preprocessing for {preprocessing.geometry.channels} channels, but the network "
                f"takes {channels}"
            )
        self.network = network
        self.preprocessing = preprocessing
        self.class_names = class_names
        self.provenance = provenance

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] of 0 to 255, uint8 or float, to logits [B, num_classes]."""
        logits: Tensor = self.network(self.preprocessing(images))
        return logits
