"""How strong signals are on their way forward, and gradients on their way back (§4.1)."""

import copy
from typing import Any

import torch
import torch.nn.functional as F

from reslab.analysis.subject import Subject, take_images
from reslab.data.load import divide
from reslab.networks.complexity import describe_network
from reslab.training.session import TrainingSession
from reslab.training.start import own_state

IMAGES = 128


def measure_signals(subject: Subject, *, at_steps: tuple[int, ...]) -> dict[str, Any]:
    """Train a run as far as the last of `at_steps`, and look at its signals at each of them.

    Args:
        subject: a run, trained or not; it is trained anew here, with the steps of the real one.
        at_steps: in ascending order; 0 is the net as initialised.

    Returns:
        `family`, `depth`, and for each step in `moments`: `step`, `loss`, and by layer `layers`,
        `forward` and `backward` as `read_signals` has them.
    """
    config = subject.config
    if config is None:
        raise ValueError("signals are measured on runs")
    moments = []
    with own_state(config):
        parts = divide(subject.dataset, config.data).to(subject.device)
        session = TrainingSession(config, parts, subject.device)
        for step in at_steps:
            while session.step < step:
                session.advance()
            moments.append({"step": step, **read_signals(session)})
    return {
        "family": config.network.family,
        "depth": describe_network(config.network).weighted_layers,
        "moments": moments,
    }


def read_signals(session: TrainingSession) -> dict[str, Any]:
    """Root mean squares at each layer's BN output, in training mode on the first images.

    `forward` is of the response, `backward` of the gradient of the loss with respect to it, times
    the number of images, so that it is one image's gradient. The session is left as it was.
    """
    classifier = copy.deepcopy(session.classifier).train()
    data = take_images(session.parts.train, IMAGES, session.device)
    inputs = classifier.preprocessing(data.images)
    logits, responses = classifier.network(inputs, return_responses=True)
    loss = F.cross_entropy(logits, data.labels)
    layers = [name for name in responses if "downsample" not in name]
    gradients = torch.autograd.grad(loss, [responses[name] for name in layers])
    return {
        "loss": float(loss.detach()),
        "layers": layers,
        "forward": [_rms(responses[name]) for name in layers],
        "backward": [len(data) * _rms(gradient) for gradient in gradients],
    }


def _rms(tensor: torch.Tensor) -> float:
    return float(tensor.detach().double().square().mean().sqrt())
