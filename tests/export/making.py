"""Networks whose BN matters, and images, for the tests of exporting."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from reslab.export.engines import is_installed
from reslab.networks.catalogue import find_network
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import build_network

NETWORKS: dict[str, dict[str, int | str]] = {
    "resnet20": {},
    "resnet20 A-split": {"shortcut": "A-split"},
    "plain20": {},
    "resnet18": {"width": 16, "num_classes": 10, "input_size": 64},
    "resnet50": {"width": 16, "num_classes": 10, "input_size": 64},
    "resnet50-v1.5": {"width": 16, "num_classes": 10, "input_size": 64},
    "resnet8 grey": {"in_channels": 1, "input_size": 8},
}


def skip_unless_installed(*modules: str) -> None:
    """Skip a test module where an engine is missing; unlike importorskip, without importing it.

    The engines may only be imported through `reslab.export.engines`, which keeps their telemetry
    out.
    """
    missing = [module for module in modules if not is_installed(module)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}", allow_module_level=True)


def build_classifier(name: str, *, per_pixel_mean: bool = False) -> Classifier:
    """One of `NETWORKS`, BN as after training: of its own statistics, no two channels alike."""
    config = find_network(name.split(maxsplit=1)[0], **NETWORKS[name])  # type: ignore[arg-type]
    channels, size = config.in_channels, config.input_size
    generator = torch.Generator().manual_seed(2)
    mean_shape = (channels, size, size) if per_pixel_mean else (channels,)
    classifier = Classifier(
        build_network(config, seed=1),
        Preprocessing(
            _draw(mean_shape, 0.4, 0.6, generator),
            _draw((channels,), 0.2, 0.3, generator),
            ImageGeometry(crop=size, channels=3 if channels == 3 else 1),
        ),
        tuple(f"class {i}, “quoted”" for i in range(config.num_classes)),
        Provenance(source="drawn at random", details={"seed": 1}),
    )
    _settle(classifier, generator)
    return classifier.eval()


def draw_images(classifier: Classifier, count: int, side: int | None = None) -> NDArray[np.uint8]:
    """Smooth random images [count, C, side, side]; by default of the network's size."""
    geometry = classifier.preprocessing.geometry
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(count, geometry.channels, 4, 4, generator=generator)
    side = side or geometry.crop
    smooth = nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    return (255 * smooth).to(torch.uint8).numpy()


def _draw(
    shape: tuple[int, ...], low: float, high: float, generator: torch.Generator
) -> torch.Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _settle(classifier: Classifier, generator: torch.Generator) -> None:
    for module in classifier.modules():
        if isinstance(module, nn.BatchNorm2d):
            count = (module.num_features,)
            module.weight.data = _draw(count, 0.5, 1.5, generator)
            module.bias.data = _draw(count, -0.5, 0.5, generator)
            module.momentum = None  # One pass sets the statistics to those of its batch.
    for _, block in classifier.network.named_blocks():
        norms = [m for m in block.children() if isinstance(m, nn.BatchNorm2d)]
        if block.downsample is not None:
            # Trained blocks change their input little; at full strength errors double in each.
            norms[-1].weight.data *= 0.3
    with torch.no_grad():
        classifier.train()(torch.from_numpy(draw_images(classifier, 32)))
