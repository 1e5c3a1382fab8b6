"""Networks with random weights, whose BN is random too so that no statistic goes untested."""

from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from reslab.networks.catalogue import find_network
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.config import NetworkConfig
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import build_network

MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)


def randomise_normalisation(network: nn.Module, seed: int = 0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            with torch.no_grad():
                module.weight.uniform_(0.2, 0.8, generator=generator)
                module.bias.normal_(0, 0.2, generator=generator)
                module.running_mean.normal_(0, 0.2, generator=generator)
                module.running_var.uniform_(0.5, 1.5, generator=generator)


def build_classifier(config: NetworkConfig | str, seed: int = 0) -> Classifier:
    config = find_network(config) if isinstance(config, str) else config
    network = build_network(config, seed)
    randomise_normalisation(network, seed)
    channels: Literal[1, 3] = 1 if config.in_channels == 1 else 3
    geometry = ImageGeometry(crop=config.input_size, channels=channels)
    names = tuple(f"class {i}" for i in range(config.num_classes))
    return Classifier(
        network,
        Preprocessing(MEAN[:channels], STD[:channels], geometry),
        names,
        Provenance(source="a test"),
    ).eval()


def save_state_dict(tensors: dict[str, Tensor], path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


def relative_error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())
