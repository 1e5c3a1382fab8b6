"""How near each block of a trained net is to the identity (§3.1, §3.2)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from reslab.analysis.subject import Subject, take_images
from reslab.data.seeds import derive_seed
from reslab.networks.complexity import describe_network
from reslab.networks.resnet import ResNet, build_network


@torch.inference_mode()
def measure_identity(subject: Subject, *, images: int) -> dict[str, Any]:
    """Distance of each block that keeps its shape from the identity, on test images.

    Returns:
        `blocks` and, for each, averaged over the images: `distance`, ‖H(x) − x‖ / ‖x‖ of the whole
        block with its last ReLU; `cosine` of H(x) and x; in residual nets `residual`,
        ‖F(x)‖ / ‖x‖. Images of which ReLU has left no x have no part in the quotients; where it
        has left none of any, they are 0. `family` and `depth` of the net.
    """
    return _measure(subject, subject.classifier.network, images)


@torch.inference_mode()
def measure_untrained_identity(subject: Subject, *, images: int) -> dict[str, Any]:
    """The same of the net before training, as far as the shortcuts alone bring it near x.

    With the weights that the run began with; of a file of weights, whose beginning is not known,
    with those of seed 0. BN normalises by these images' own statistics, since it has no others yet.
    """
    seed = subject.config.seed if subject.config else 0
    network = build_network(subject.classifier.network.config, derive_seed(seed, "weights"))
    return _measure(subject, network.to(subject.device).train(), images)


def _measure(subject: Subject, network: ResNet, images: int) -> dict[str, Any]:
    data = take_images(subject.dataset.test, images, subject.device)
    return {
        **compare_with_identity(network, subject.classifier.preprocessing(data.images)),
        "family": network.config.family,
        "depth": describe_network(network.config).weighted_layers,
        "images": len(data),
    }


def compare_with_identity(network: ResNet, inputs: Tensor) -> dict[str, Any]:
    """`blocks`, `distance`, `cosine` and `residual` as `measure_identity` returns them."""
    x = network.forward_stem(inputs)
    found: dict[str, list[Any]] = {"blocks": [], "distance": [], "cosine": [], "residual": []}
    for name, block in network.named_blocks():
        y = block(x)
        if y.shape == x.shape:
            before, after = x.flatten(1), y.flatten(1)
            found["blocks"].append(name)
            found["distance"].append(_average_share(after - before, before))
            found["cosine"].append(float(F.cosine_similarity(before, after).mean()))
            residual = block.residual_function(x, None).flatten(1)
            found["residual"].append(_average_share(residual, before))
        x = y
    return found


def _average_share(change: Tensor, whole: Tensor) -> float:
    norm = whole.norm(dim=1)
    shares = change.norm(dim=1)[norm > 0] / norm[norm > 0]
    return float(shares.mean()) if len(shares) else 0.0
