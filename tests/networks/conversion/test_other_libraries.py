"""torchvision and timm, where they are installed: the same logits as their own networks."""

from pathlib import Path
from typing import Any

import pytest
import torch

from reslab.networks.catalogue import IMAGENET_BLOCKS
from reslab.networks.conversion.convert import convert_weights
from reslab.networks.conversion.write import write_torchvision
from tests.networks.conversion.samples import randomise_normalisation, relative_error


def build_theirs(library: str, depth: int) -> Any:
    torch.manual_seed(0)
    if library == "torchvision":
        models = pytest.importorskip("torchvision.models")
        model = getattr(models, f"resnet{depth}")(weights=None)
    else:
        model = pytest.importorskip("timm").create_model(f"resnet{depth}", pretrained=False)
    randomise_normalisation(model)
    return model.eval()


@pytest.mark.parametrize("library", ["torchvision", "timm"])
@pytest.mark.parametrize("depth", IMAGENET_BLOCKS)
def test_every_depth_gives_their_logits_both_ways(library: str, depth: int, tmp_path: Path) -> None:
    theirs = build_theirs(library, depth)
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    classifier = convert_weights(tmp_path / "theirs.pth", origin=library)
    write_torchvision(classifier, tmp_path / "back.pth")
    back = build_theirs(library, depth)
    back.load_state_dict(torch.load(tmp_path / "back.pth", weights_only=True))

    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        for other in (theirs, back):
            ours = classifier.network.float()
            assert relative_error(ours(images), other.float()(images)) < 1e-4
            in_double = ours.double()(images.double())
            assert relative_error(in_double, other.double()(images.double())) < 1e-10
