"""How strongly each layer responds (He et al. 2016, §4.2, Fig. 7)."""

from typing import Any

import torch

from reslab.analysis.subject import Subject, take_images
from reslab.data.dataset import LabelledImages
from reslab.errors import ConfigError
from reslab.networks.classifier import Classifier
from reslab.networks.complexity import describe_network

BATCH_SIZE = 250


def measure_responses(subject: Subject, *, images: int) -> dict[str, Any]:
    """Standard deviation of each 3×3 layer's response on test images.

    Args:
        subject: the trained net and its data set.
        images: how many.

    Returns:
        `layers`, `std` (one for each layer), `family`, `depth` and `images`.
    """
    classifier = subject.classifier
    data = take_images(subject.dataset.test, images, subject.device)
    deviations = compute_response_std(classifier, data)
    config = classifier.network.config
    return {
        "layers": list(deviations),
        "std": list(deviations.values()),
        "family": config.family,
        "depth": describe_network(config).weighted_layers,
        "images": len(data),
    }


@torch.inference_mode()
def compute_response_std(classifier: Classifier, data: LabelledImages) -> dict[str, float]:
    """Standard deviation of each 3×3 layer's response, after BN and before the non-linearity.

    Over all images, channels and places at once, with the running statistics of BN.

    Args:
        classifier: in evaluation mode.
        data: on the classifier's device.

    Returns:
        In the order of the layers, keyed by the name of their BN layer.
    """
    names = name_3x3_responses(classifier)
    sums = dict.fromkeys(names, 0.0)
    squares = dict.fromkeys(names, 0.0)
    counts = dict.fromkeys(names, 0)
    for batch in torch.split(data.images, BATCH_SIZE):
        inputs = classifier.preprocessing(batch)
        _, responses = classifier.network(inputs, return_responses=True)
        for name in names:
            values = responses[name].double()
            sums[name] += float(values.sum())
            squares[name] += float(values.square().sum())
            counts[name] += values.numel()
    means = {name: sums[name] / counts[name] for name in names}
    return {name: (squares[name] / counts[name] - means[name] ** 2) ** 0.5 for name in names}


def name_3x3_responses(classifier: Classifier) -> list[str]:
    """The BN layers behind 3×3 convolutions, in order, by the convention conv1–bn1, conv2–bn2.

    Raises:
        ConfigError: for a net whose blocks activate first: there BN stands before its convolution.
    """
    network = classifier.network
    if any(block.pre_activated for _, block in network.named_blocks()):
        raise ConfigError(
            f"{network.config.name} has BN before its convolutions, so there is no response after "
            "it: take a net with the original blocks"
        )
    layers = describe_network(network.config).layers
    convolutions = [layer.name for layer in layers if layer.type == "conv" and layer.kernel == 3]
    return [name.replace("conv", "bn") for name in convolutions if ".downsample" not in name]
