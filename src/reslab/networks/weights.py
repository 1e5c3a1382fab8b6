"""One file that says what it is: weights, architecture, preprocessing, class names and origin."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reslab.errors import ConfigError, WeightsError
from reslab.files.documents import from_document, to_document
from reslab.files.tensors import read_tensors, write_tensors
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.config import NetworkConfig
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import ResNet

FORMAT = "reslab weights 1"


def save(classifier: Classifier, path: Path | str) -> str:
    """Write a classifier as one safetensors file, atomically.

    Returns:
        The file's digest.
    """
    document = {"format": FORMAT, **describe_classifier(classifier)}
    return write_tensors(Path(path), classifier.state_dict(), document)


def describe_classifier(classifier: Classifier) -> dict[str, Any]:
    """All but the tensors, in plain JSON types."""
    return {
        "network": to_document(classifier.network.config),
        "geometry": to_document(classifier.preprocessing.geometry),
        "class_names": list(classifier.class_names),
        "provenance": to_document(classifier.provenance),
    }


def load(path: Path | str, device: torch.device | str = "cpu") -> Classifier:
    """Read a file that `save` wrote and build the network it holds, ready to evaluate.

    Raises:
        WeightsError: if the file is missing, damaged, of another kind, or does not fit together.
    """
    path = Path(path)
    tensors, document = read_tensors(path)
    if document.get("format") != FORMAT:
        raise WeightsError(
            f"{path} is not a weights file of this version: its format is "
            f"{document.get('format')!r}, expected {FORMAT!r}"
        )
    classifier = _build_classifier(document, tensors, str(path))
    classifier.load_state_dict(tensors)
    return classifier.to(device).eval()


def check_size(config: NetworkConfig, available: int, origin: str) -> None:
    """Refuse, before anything is built, a description that asks for more than its file can hold.

    Args:
        config: the network described.
        available: how many tensors there are to fill it.
        origin: the file, for the error message.

    Raises:
        WeightsError: if it is.
    """
    blocks = sum(config.blocks_per_stage)
    if blocks > available:
        raise WeightsError(
            f"{origin} does not fit {config.name:.60}, which has {blocks:,} blocks: the file has "
            f"only {available} tensors"
        )


def check_state_dict(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor], origin: str
) -> None:
    """Make sure that every tensor finds its place with its shape.

    Raises:
        WeightsError: listing what is missing, unexpected and mis-shaped.
    """
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    misshaped = [
        f"{name} {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    problems = [
        f"{len(names)} {kind}: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
        for kind, names in (
            ("missing", missing), ("unexpected", unexpected), ("mis-shaped", misshaped),
        )
        if names
    ]  # fmt: skip
    if problems:
        raise WeightsError(f"{origin} does not fit the network; {'; '.join(problems)}")


def _build_classifier(
    document: Mapping[str, Any], tensors: Mapping[str, Tensor], origin: str
) -> Classifier:
    try:
        config = from_document(document["network"], NetworkConfig, f"the network of {origin}")
        geometry = from_document(document["geometry"], ImageGeometry, f"the geometry of {origin}")
        provenance = from_document(document["provenance"], Provenance, f"provenance of {origin}")
        class_names = _read_class_names(document["class_names"], origin)
        statistics = tensors["preprocessing.mean"], tensors["preprocessing.std"]
    except (KeyError, TypeError) as error:
        raise WeightsError(f"{origin} is incomplete: {error} is missing") from error
    check_size(config, len(tensors), origin)
    _check_kinds(tensors, origin)
    try:
        # Skips drawing initial values, which the file's own replace.
        with torch.device("meta"):
            network = ResNet(config)
        preprocessing = Preprocessing(*statistics, geometry)
        classifier = Classifier(network, preprocessing, class_names, provenance)
    except ConfigError as error:
        raise WeightsError(f"{origin} contradicts itself: {error}") from error
    # Before memory is taken: the file may describe any network, but must then hold it too.
    check_state_dict(classifier.state_dict(), tensors, origin)
    network.to_empty(device="cpu")
    return classifier


def _read_class_names(names: object, origin: str) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise WeightsError(f"{origin} is damaged: its class names are not a list of texts")
    return tuple(names)


def _check_kinds(tensors: Mapping[str, Tensor], origin: str) -> None:
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() and tensor.dtype != torch.int64:
            raise WeightsError(f"{origin} is damaged: {name} holds {tensor.dtype}")
