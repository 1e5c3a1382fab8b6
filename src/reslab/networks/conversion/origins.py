"""What an origin is: how its files are recognised, and how they translate to reslab's terms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from reslab.networks.config import NetworkConfig
from reslab.networks.conversion.source import Source
from reslab.networks.geometry import ImageGeometry

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A source in reslab's terms; nothing is checked against the network yet."""

    config: NetworkConfig
    state_dict: Mapping[str, Tensor]
    """Tensors under reslab's names; what has no place keeps its own name."""
    names: Mapping[str, str]
    """From reslab's names to those in the file."""
    geometry: ImageGeometry
    mean: tuple[float, ...] | None = None
    """None where the source does not imply one: the caller has to give it."""
    std: tuple[float, ...] | None = None
    class_names: tuple[str, ...] | None = None
    """None where the source does not name its classes: they are numbered."""
    choices: Mapping[str, Any] = field(default_factory=dict)
    """What the tensors alone do not say, and how it was decided; kept in the provenance."""
    hint: str | None = None
    """The likely cause if the tensors do not fit, where it cannot be read off their names."""


Translate = Callable[[Source, NetworkConfig | str | None], Translation]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A library or repository whose weights reslab reads."""

    name: str
    description: str
    recognises: Callable[[Source], bool]
    """Whether a source is surely of this origin."""
    translate: Translate
    """The source and the architecture asked for, if any, to reslab's terms."""


def rename(
    tensors: Mapping[str, Tensor], to_ours: Callable[[str], str]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors under reslab's names, and the names they came from.

    Args:
        tensors: as in the file.
        to_ours: gives reslab's name, or the name itself where it has no place.
    """
    names = {to_ours(theirs): theirs for theirs in tensors}
    return {ours: tensors[theirs] for ours, theirs in names.items()}, names
