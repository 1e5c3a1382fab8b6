"""How strong signals are on their way forward, and gradients on their way back (§4.1)."""

import copy
import math
from typing import Any

import torch
import torch.nn.functional as F

from reslab.analysis.subject import Subject, take_images
from reslab.data.dataset import LabelledImages
from reslab.networks.classifier import Classifier
from reslab.networks.complexity import describe_network
from reslab.training.opening import hold_images
from reslab.training.session import TrainingSession
from reslab.training.start import own_state


def measure_signals(subject: Subject, *, at_steps: tuple[int, ...], images: int) -> dict[str, Any]:
    """Train a run as far as the last of `at_steps`, and look at its signals at each of them.

    Args:
        subject: a run, trained or not; it is trained anew here, with the steps of the real one.
        at_steps: in ascending order; 0 is the net as initialised.
        images: how many of the training set's.

    Returns:
        `family`, `depth`, `images`, and in `moments` for each step until the run diverges: `step`
        and what `read_signals` returns.
    """
    config = subject.config
    if config is None:
        raise ValueError("signals through training are measured on runs")
    moments = []
    with own_state(config):
        held = hold_images(config, subject.dataset, subject.device)
        data = take_images(held.parts.train, images, subject.device)
        session = TrainingSession(config, held, subject.device)
        for step in at_steps:
            while session.step < step:
                session.advance()
            signals = read_signals(session.classifier, data)
            if not math.isfinite(signals["loss"]):
                break
            moments.append({"step": step, **signals})
    return {**_describe(session.classifier, data), "moments": moments}


def measure_trained_signals(subject: Subject, *, images: int) -> dict[str, Any]:
    """The signals of a net as it was given.

    Args:
        subject: the trained net and its data set.
        images: how many of the training set's.

    Returns:
        As `measure_signals`, with one moment, whose `step` is None.
    """
    data = take_images(subject.dataset.train, images, subject.device)
    moment = {"step": None, **read_signals(subject.classifier, data)}
    return {**_describe(subject.classifier, data), "moments": [moment]}


def _describe(classifier: Classifier, data: LabelledImages) -> dict[str, Any]:
    config = classifier.network.config
    depth = describe_network(config).weighted_layers
    return {"family": config.family, "depth": depth, "images": len(data)}


def read_signals(classifier: Classifier, data: LabelledImages) -> dict[str, Any]:
    """What each layer's BN output, in training mode, tells of the image, and its gradient.

    Args:
        classifier: left as it was.
        data: one batch, on the classifier's device.

    Returns:
        `loss`; the names of the `layers` in order; for each layer `forward`, the standard deviation
        of its response over the images, a root mean square over channels and places; and
        `backward`, the root mean square of the gradient of one image's loss with respect to it.
    """
    classifier = copy.deepcopy(classifier).train()
    inputs = classifier.preprocessing(data.images)
    logits, responses = classifier.network(inputs, return_responses=True)
    loss = F.cross_entropy(logits, data.labels)
    layers = [name for name in responses if "downsample" not in name]
    gradients = torch.autograd.grad(loss, [responses[name] for name in layers])
    return {
        "loss": float(loss.detach()),
        "layers": layers,
        # What is the same for every image, such as β or the mark of the zero padding, is no signal.
        "forward": [
            _root(responses[name].detach().double().var(dim=0, correction=0)) for name in layers
        ],
        # The loss is the mean over the batch, so one image's gradient is n times as large.
        "backward": [len(data) * _root(gradient.double().square()) for gradient in gradients],
    }


def _root(squares: torch.Tensor) -> float:
    return float(squares.mean().sqrt())
