"""What evaluation and prediction ask of a network, whichever engine computes it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reslab.networks.geometry import ImageGeometry


class Runtime(Protocol):
    """A network with its preprocessing, ready to classify; free of PyTorch."""

    @property
    def name(self) -> str:
        """The engine, such as `torch` or `onnx`."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name for each output."""

    @property
    def geometry(self) -> ImageGeometry:
        """How an image becomes what the network sees."""

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images [B, C, H, W] of 0 to 255 to logits [B, classes]."""
