"""A classifier in PyTorch as a runtime."""

import numpy as np
import torch
from numpy.typing import NDArray

from reslab.errors import ConfigError
from reslab.evaluation.runtime import Runtime
from reslab.networks.classifier import Classifier
from reslab.networks.geometry import ImageGeometry


class ClassifierRuntime:
    """Runs a classifier in evaluation mode on the device that it is on."""

    name = "torch"

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier.eval()
        self.device = classifier.preprocessing.mean.device

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name for each output."""
        return self.classifier.class_names

    @property
    def geometry(self) -> ImageGeometry:
        """How an image becomes what the network sees."""
        return self.classifier.preprocessing.geometry

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images [B, C, H, W] of 0 to 255 to logits [B, classes]."""
        with torch.inference_mode():
            logits = self.classifier(torch.from_numpy(images).to(self.device))
        result: NDArray[np.float32] = logits.float().cpu().numpy()
        return result


def require_any_size(runtime: Runtime) -> None:
    """Make sure that a network takes images of any size, as the fully-convolutional protocol needs.

    Raises:
        ConfigError: for an exported network, or one that subtracts a mean for each pixel.
    """
    if not isinstance(runtime, ClassifierRuntime):
        raise ConfigError(
            "an exported network takes images of one size only: give the weights file itself for "
            "the fully-convolutional protocol"
        )
    if runtime.classifier.preprocessing.mean.shape[-1] != 1:
        side = runtime.geometry.crop
        raise ConfigError(
            f"these weights subtract a mean for each of {side}×{side} pixels, which other sizes do "
            "not have: choose the protocol centre or ten-crop"
        )
