from dataclasses import dataclass, field

import pytest
import torch

from reslab.data.dataset import Dataset, LabelledImages
from reslab.data.load import load_dataset
from reslab.networks.catalogue import find_network
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import build_network
from reslab.training.run_config import RunConfig


def small_classifier(name: str, seed: int = 0) -> Classifier:
    """An untrained net for digits whose BN layers have statistics and scales of their own."""
    config = find_network(name, width=4, in_channels=1, input_size=8)
    network = build_network(config, seed)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor in (module.running_var, module.weight.data):
                assert tensor is not None
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
            for tensor in (module.running_mean, module.bias.data):
                assert tensor is not None
                tensor.copy_(0.2 * torch.randn(tensor.shape, generator=generator))
    geometry = ImageGeometry(resize=8, crop=8, channels=1)
    preprocessing = Preprocessing([0.3], [0.5], geometry)
    names = tuple("0123456789")
    return Classifier(network, preprocessing, names, Provenance(source="a test")).eval()


@dataclass
class SmallSubject:
    """An untrained net on digits."""

    classifier: Classifier
    dataset: Dataset = field(default_factory=lambda: load_dataset("digits"))
    config: RunConfig | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


@pytest.fixture
def residual() -> SmallSubject:
    return SmallSubject(small_classifier("resnet14"))


@pytest.fixture
def plain() -> SmallSubject:
    return SmallSubject(small_classifier("plain14"))


def first_images(subject: SmallSubject, count: int) -> LabelledImages:
    part = subject.dataset.test
    return LabelledImages(part.images[:count], part.labels[:count])
