"""A small classifier whose answers differ from image to image."""

import pytest

from reslab.networks.catalogue import find_network
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import build_network


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    """Eight layers, three classes, colour images resized to 20 and cropped to 16."""
    config = find_network("resnet8", width=4, num_classes=3, input_size=16)
    preprocessing = Preprocessing((0.5,) * 3, (0.25,) * 3, ImageGeometry(resize=20, crop=16))
    names = ("cat", "dog", "n01440764 tench")
    provenance = Provenance(source="a test")
    return Classifier(build_network(config), preprocessing, names, provenance).eval()
