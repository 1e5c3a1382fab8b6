"""What both exporters are given: the module, an example of its input, the sizes that may vary."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reslab.export.fold import fold_classifier
from reslab.networks.classifier import Classifier


@dataclass(frozen=True)
class Capture:
    """A module ready for tracing."""

    module: nn.Module
    """In evaluation mode, BN folded."""
    example: Tensor
    """[2, C, H, W]: of two images, because one would be taken for a constant."""
    dynamic_axes: dict[int, str]
    """Axes of the input whose size may vary, with their names."""


def prepare_capture(classifier: Classifier, *, preprocessing_inside: bool) -> Capture:
    """Make a module of a classifier, or of its network alone.

    The batch may vary, and height and width too, except where the graph subtracts a mean per pixel.
    """
    folded = fold_classifier(classifier).cpu()
    geometry = folded.preprocessing.geometry
    shape = (2, geometry.channels, geometry.crop, geometry.crop)
    axes = {0: "batch"}
    if not preprocessing_inside or folded.preprocessing.mean.shape[-1] == 1:
        axes |= {2: "height", 3: "width"}
    if preprocessing_inside:
        return Capture(folded, torch.zeros(shape, dtype=torch.uint8), axes)
    return Capture(folded.network, torch.zeros(shape), axes)


def to_dims(capture: Capture) -> tuple[dict[int, Any]]:
    """The varying axes as torch.export takes them, its one input's."""
    return (dict.fromkeys(capture.dynamic_axes, torch.export.Dim.DYNAMIC),)
