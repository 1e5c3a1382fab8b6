"""Errors of a trained net that came from elsewhere."""

from typing import Any

from reslab.analysis.subject import Subject, take_images
from reslab.evaluation.accuracy import compute_accuracy
from reslab.networks.complexity import describe_network


def measure_errors(subject: Subject, *, train_images: int) -> dict[str, Any]:
    """Error of a net on all test images and on some training images.

    Args:
        subject: the trained net and its data set.
        train_images: at most so many, the same ones every time.

    Returns:
        `family`, `depth`, and `n` and `wrong` under `train` and under `test`.
    """
    classifier, dataset = subject.classifier, subject.dataset
    parts = {
        "train": take_images(dataset.train, train_images, subject.device),
        "test": dataset.test.to(subject.device),
    }
    accuracies = {name: compute_accuracy(classifier, part) for name, part in parts.items()}
    config = classifier.network.config
    return {
        "family": config.family,
        "depth": describe_network(config).weighted_layers,
        **{name: {"n": a.n, "wrong": a.wrong} for name, a in accuracies.items()},
    }
