from copy import deepcopy

import pytest
import torch
from torch import nn

from reslab.export.fold import fold_batch_norm, fold_classifier
from tests.export.making import NETWORKS, build_classifier, draw_images


@pytest.mark.parametrize("name", NETWORKS)
def test_no_batch_norm_is_left_and_the_answers_stay(name: str) -> None:
    # In double precision, so that only the algebra is left to differ.
    classifier = build_classifier(name).double()
    images = torch.from_numpy(draw_images(classifier, 4))
    folded = fold_classifier(classifier)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    with torch.no_grad():
        torch.testing.assert_close(folded(images), classifier(images), rtol=1e-9, atol=1e-9)


def test_the_original_is_left_alone() -> None:
    network = build_classifier("resnet8 grey").network.train()
    before = deepcopy(network.state_dict())
    fold_batch_norm(network)
    assert network.training
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


def test_a_batch_norm_before_its_convolution_is_not_folded() -> None:
    network = build_classifier("resnet8 grey").network
    images = torch.rand(2, 1, 8, 8)
    network.conv1 = nn.Sequential(nn.BatchNorm2d(1), nn.ReLU(), network.conv1)  # type: ignore[assignment]
    network.eval()
    folded = fold_batch_norm(network)
    left = [name for name, m in folded.named_modules() if isinstance(m, nn.BatchNorm2d)]
    assert left == ["conv1.0"]
    torch.testing.assert_close(folded(images), network(images), rtol=1e-4, atol=1e-4)


def test_a_convolution_used_twice_is_not_folded() -> None:
    network = build_classifier("resnet8 grey").network
    block = network.get_submodule("layer1.0")
    block.conv2 = block.conv1
    folded = fold_batch_norm(network)
    left = [name for name, m in folded.named_modules() if isinstance(m, nn.BatchNorm2d)]
    assert left == ["layer1.0.bn1", "layer1.0.bn2"]
    images = torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(folded(images), network(images), rtol=1e-4, atol=1e-4)
