"""Loss along lines and on a plane through a trained net's weights (Li et al., 2018)."""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from reslab.analysis.subject import Subject, take_images
from reslab.data.seeds import derive_seed
from reslab.evaluation.accuracy import compute_accuracy
from reslab.networks.complexity import describe_network

Direction = dict[str, Tensor]


def measure_landscape(
    subject: Subject, *, images: int, points: int, radius: float, seed: int
) -> dict[str, Any]:
    """Loss over a square of two filter-normalised random directions around a trained net.

    On training images in evaluation mode; BN keeps the statistics of the trained net, and its γ, β
    and all biases stay as they are, as in the authors' plots.

    Args:
        subject: the trained net.
        images: of the training set.
        points: along each side of the square.
        radius: half a side, in units of the filters' own norms.
        seed: of the directions.

    Returns:
        `at`, the `points` coordinates; `loss`, a row for each of the second direction's, None where
        it is not finite; `centre`, the trained net's loss; `family`, `depth`, `images`.
    """
    network = subject.classifier.network
    first, second = (draw_direction(network, seed, part) for part in (0, 1))
    at = spread_points(points, radius)
    loss_at = _loss_of(subject, images)
    return {
        "at": at,
        "loss": [[loss_at((first, a), (second, b)) for a in at] for b in at],
        **_describe(subject, images),
    }


def measure_profiles(
    subject: Subject, *, images: int, points: int, radius: float, directions: int
) -> dict[str, Any]:
    """Loss along filter-normalised random lines through a trained net.

    As `measure_landscape`, whose first direction of the same seed is one of the lines.

    Args:
        subject: the trained net.
        images: of the training set.
        points: along each line.
        radius: how far each line reaches either way, in units of the filters' own norms.
        directions: lines, of the seeds 0, 1, ….

    Returns:
        `at`, the `points` coordinates; `loss`, a row for each line, None where it is not finite;
        `centre`, the trained net's loss; `family`, `depth`, `images`.
    """
    network = subject.classifier.network
    at = spread_points(points, radius)
    loss_at = _loss_of(subject, images)
    lines = (draw_direction(network, seed, part=0) for seed in range(directions))
    return {
        "at": at,
        "loss": [[loss_at((line, a)) for a in at] for line in lines],
        **_describe(subject, images),
    }


def spread_points(points: int, radius: float) -> list[float]:
    """`points` coordinates spread evenly from −`radius` to `radius`."""
    return [radius * (2 * i / (points - 1) - 1) for i in range(points)]


@torch.no_grad()
def draw_direction(network: nn.Module, seed: int, part: int) -> Direction:
    """A random direction in which each filter is as long as the net's own filter.

    Only weights of more than one dimension are moved.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "direction", part))
    direction = {}
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1:
            noise = torch.randn(parameter.shape, generator=generator).to(parameter.device)
            scale = _filter_norms(parameter) / _filter_norms(noise).clamp_min(1e-10)
            direction[name] = noise * scale
    return direction


def _filter_norms(weight: Tensor) -> Tensor:
    """Norm of each output's weights, [outputs, 1, …]."""
    norms: Tensor = torch.linalg.vector_norm(weight.flatten(1), dim=1)
    return norms.reshape(-1, *[1] * (weight.dim() - 1))


def _loss_of(subject: Subject, images: int) -> Callable[..., float | None]:
    """The loss where a copy of the net is moved along some directions, each by so much."""
    classifier = copy.deepcopy(subject.classifier)
    data = take_images(subject.dataset.train, images, subject.device)

    def loss_at(*moves: tuple[Direction, float]) -> float | None:
        with ExitStack() as stack:
            for direction, by in moves:
                stack.enter_context(_moved(classifier.network, direction, by))
            loss = compute_accuracy(classifier, data).loss
        return loss if math.isfinite(loss) else None

    return loss_at


def _describe(subject: Subject, images: int) -> dict[str, Any]:
    config = subject.classifier.network.config
    return {
        "centre": _loss_of(subject, images)(),
        "family": config.family,
        "depth": describe_network(config).weighted_layers,
        "images": min(images, len(subject.dataset.train)),
    }


@contextmanager
def _moved(network: nn.Module, direction: Direction, by: float) -> Iterator[None]:
    """Within it the weights are moved along a direction; afterwards they are as they were."""
    weights = dict(network.named_parameters())
    before = {name: weights[name].detach().clone() for name in direction}
    with torch.no_grad():
        for name, change in direction.items():
            weights[name].add_(change, alpha=by)
    try:
        yield
    finally:
        with torch.no_grad():
            for name, weight in before.items():
                weights[name].copy_(weight)
