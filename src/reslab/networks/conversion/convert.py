"""Weights of another library to a ready classifier."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from torch import Tensor

from reslab.errors import ConfigError, WeightsError
from reslab.files.tensors import read_document
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.config import NetworkConfig
from reslab.networks.conversion.akamaster import AKAMASTER
from reslab.networks.conversion.explain import require_fit
from reslab.networks.conversion.hugging_face import HUGGING_FACE
from reslab.networks.conversion.inference import expected_tensors
from reslab.networks.conversion.ordered import COUNTER, ORDERED
from reslab.networks.conversion.origins import Origin, Translation
from reslab.networks.conversion.plain import PLAIN
from reslab.networks.conversion.source import Source, read_source
from reslab.networks.conversion.timm import TIMM
from reslab.networks.conversion.torchvision import TORCHVISION
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import ResNet
from reslab.networks.weights import load

ORIGINS: dict[str, Origin] = {
    origin.name: origin for origin in (HUGGING_FACE, TIMM, AKAMASTER, TORCHVISION, PLAIN, ORDERED)
}
"""Every origin by name, in the order in which they are tried on a source that names none."""
RESLAB = "reslab"

ShowNames = Callable[[Sequence[tuple[str, str, tuple[int, ...]]]], None]
"""Called with (name in the file, reslab's name, shape) for each tensor, before they are checked."""


def convert_weights(
    source: Path | str,
    *,
    origin: str | None = None,
    network: NetworkConfig | str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    class_names: Sequence[str] | None = None,
    show_names: ShowNames | None = None,
) -> Classifier:
    """Read another library's weights; every tensor must find its place with its shape.

    Args:
        source: a state dict (`.pth`, `.pt`, `.th`, `.safetensors`), a folder of Hugging Face or
            timm, or a file of reslab's own.
        origin: a key of `ORIGINS`; by default it is recognised from the source.
        network: the architecture, where the source does not show it. A name such as `plain56` says
            kind and depth, and what the tensors show is read off them; a description is taken as
            it is.
        mean: of pixels in [0, 1], in place of what the source implies.
        std: likewise.
        class_names: one name per output, in place of the source's.
        show_names: is shown which tensor went where, before anything is checked.

    Returns:
        The network in evaluation mode, float32; its provenance says what was decided and why.

    Raises:
        WeightsError: if the source cannot be read or does not fit, with the likely cause.
        ConfigError: if the origin or network is unknown, or something that must be given was not.
    """
    path = Path(source)
    given = _Given(mean=mean, std=std, class_names=class_names)
    if origin == RESLAB or (origin is None and _is_own(path)):
        if network is not None:
            raise ConfigError(f"{path} says its own architecture: leave --as out")
        return _replace(load(path), given)
    material = read_source(path)
    chosen = _recognise(material) if origin is None else _find_origin(origin)
    translation = chosen.translate(material, network)
    if show_names is not None:
        show_names(_list_names(translation))
    return _build_classifier(translation, material, chosen, given)


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What the caller says in place of the source."""

    mean: Sequence[float] | None
    std: Sequence[float] | None
    class_names: Sequence[str] | None

    def list_names(self) -> list[str]:
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]


def _is_own(path: Path) -> bool:
    try:
        return path.is_file() and bool(read_document(path))
    except WeightsError:
        return False


def _find_origin(name: str) -> Origin:
    if name not in ORIGINS:
        known = ", ".join([*ORIGINS, RESLAB])
        raise ConfigError(f"unknown origin {name!r} of weights: choose one of {known}")
    return ORIGINS[name]


def _recognise(source: Source) -> Origin:
    for origin in ORIGINS.values():
        if origin.recognises(source):
            return origin
    examples = ", ".join(list(source.tensors)[:3])
    raise WeightsError(
        f"{source.file}: its origin cannot be told from its names ({examples}, …). Say it with "
        f"--from: one of {', '.join(ORIGINS)}. For other CIFAR checkpoints in forward order, "
        "`--from ordered --as resnet20` matches by order and shape"
    )


def _list_names(translation: Translation) -> list[tuple[str, str, tuple[int, ...]]]:
    return [
        (theirs, ours, tuple(translation.state_dict[ours].shape))
        for ours, theirs in translation.names.items()
    ]


def _build_classifier(
    translation: Translation, source: Source, origin: Origin, given: _Given
) -> Classifier:
    network = _build_network(translation, source)
    geometry = _fit_channels(translation.geometry, translation.config, source)
    mean = _choose("mean", given.mean, translation.mean, geometry, source)
    std = _choose("std", given.std, translation.std, geometry, source)
    names = given.class_names or translation.class_names or _number(network.config.num_classes)
    choices = {**translation.choices, **dict.fromkeys(given.list_names(), "as given")}
    if source.wrapper is not None:
        choices["nested_under"] = source.wrapper
    provenance = Provenance(
        source=f"converted from {source.file.name} ({origin.description})",
        details={
            "origin": origin.name,
            "file": source.file.name,
            "sha256": source.sha256,
            "choices": choices,
        },
    )
    preprocessing = Preprocessing(mean, std, geometry)
    return Classifier(network, preprocessing, tuple(names), provenance).eval()


def _build_network(translation: Translation, source: Source) -> ResNet:
    config = translation.config
    found = translation.state_dict
    expected = expected_tensors(config, len(found), str(source.file))
    counters = _absent_counters(expected, found)
    required = {name: tensor for name, tensor in expected.items() if name not in counters}
    require_fit(config, required, found, str(source.file), translation.hint)
    _require_values(required, found, translation.names, source)
    # Skips drawing initial values, which the source's own replace.
    with torch.device("meta"):
        network = ResNet(config)
    network.to_empty(device="cpu")
    network.load_state_dict({**found, **counters})
    return network


def _absent_counters(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    # PyTorch before 0.4.1 kept no count of batches; it plays no part in evaluation.
    if any(name.endswith(COUNTER) for name in found):
        return {}
    return {name: torch.tensor(0) for name in expected if name.endswith(COUNTER)}


def _require_values(
    expected: Mapping[str, Tensor],
    found: Mapping[str, Tensor],
    names: Mapping[str, str],
    source: Source,
) -> None:
    for name, tensor in found.items():
        theirs = names.get(name, name)
        if tensor.is_floating_point() != expected[name].is_floating_point():
            raise WeightsError(f"{source.file}: {theirs} holds {tensor.dtype}; save it as float32")
        # Also in float32, which reslab keeps: a float64 beyond its range would become infinite.
        if not torch.isfinite(tensor.to(expected[name].dtype)).all():
            raise WeightsError(
                f"{source.file}: {theirs} holds NaN or infinity, so the network would answer "
                "nothing but NaN; take an earlier checkpoint of that training"
            )


def _fit_channels(geometry: ImageGeometry, config: NetworkConfig, source: Source) -> ImageGeometry:
    if config.in_channels == 3:
        return geometry
    if config.in_channels == 1:
        return replace(geometry, channels=1)
    raise WeightsError(
        f"{source.file}: its first convolution takes {config.in_channels} channels; reslab reads "
        "grey (1) and colour (3) images"
    )


def _choose(
    name: str,
    given: Sequence[float] | None,
    implied: Sequence[float] | None,
    geometry: ImageGeometry,
    source: Source,
) -> Sequence[float]:
    if given is not None:
        return given
    if implied is not None and len(implied) == geometry.channels:
        return implied
    example = ",".join(["0.49", "0.48", "0.45"][: geometry.channels])
    raise ConfigError(
        f"{source.file} does not say the {name} its images were normalised with, and a wrong one "
        f"costs accuracy silently: give --{name} as in its training code, such as {example}"
    )


def _number(num_classes: int) -> tuple[str, ...]:
    return tuple(str(index) for index in range(num_classes))


def _replace(classifier: Classifier, given: _Given) -> Classifier:
    replaced = given.list_names()
    if not replaced:
        return classifier
    old = classifier.preprocessing
    preprocessing = Preprocessing(
        old.mean if given.mean is None else given.mean,
        old.std if given.std is None else given.std,
        old.geometry,
    )
    details = {**classifier.provenance.details, "replaced": replaced}
    return Classifier(
        classifier.network,
        preprocessing,
        tuple(given.class_names or classifier.class_names),
        replace(classifier.provenance, details=details),
    ).eval()
