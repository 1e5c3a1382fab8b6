"""How near each block of a trained net is to the identity (§3.1, §3.2)."""

from typing import Any

import torch
import torch.nn.functional as F

from reslab.analysis.subject import Subject, take_images
from reslab.networks.classifier import Classifier
from reslab.networks.complexity import describe_network


@torch.inference_mode()
def measure_identity(subject: Subject, *, images: int) -> dict[str, Any]:
    """Distance of each block that keeps its shape from the identity, on test images.

    Returns:
        `blocks` and, for each, averaged over the images: `distance`, ‖H(x) − x‖ / ‖x‖ of the whole
        block with its last ReLU; `cosine` of H(x) and x; in residual nets `residual`,
        ‖F(x)‖ / ‖x‖. `family` and `depth` of the net.
    """
    classifier = subject.classifier
    data = take_images(subject.dataset.test, images, subject.device)
    config = classifier.network.config
    return {
        **compare_with_identity(classifier, classifier.preprocessing(data.images)),
        "family": config.family,
        "depth": describe_network(config).weighted_layers,
        "images": len(data),
    }


def compare_with_identity(classifier: Classifier, inputs: torch.Tensor) -> dict[str, Any]:
    """`blocks`, `distance`, `cosine` and `residual` as `measure_identity` returns them."""
    network = classifier.network
    x = network.maxpool(F.relu(network.bn1(network.conv1(inputs))))
    found: dict[str, list[Any]] = {"blocks": [], "distance": [], "cosine": [], "residual": []}
    for name, block in network.named_blocks():
        y = block(x)
        if y.shape == x.shape:
            before, after = x.flatten(1), y.flatten(1)
            norm = before.norm(dim=1).clamp_min(1e-12)
            found["blocks"].append(name)
            found["distance"].append(float(((after - before).norm(dim=1) / norm).mean()))
            found["cosine"].append(float(F.cosine_similarity(before, after).mean()))
            residual = block.residual_function(x, None).flatten(1)
            found["residual"].append(float((residual.norm(dim=1) / norm).mean()))
        x = y
    return found
