"""What an exported file says of itself, whatever its format; free of PyTorch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reslab.errors import ConfigError, ExportError
from reslab.files.documents import canonical_json, from_document, to_document
from reslab.networks.config import NetworkConfig
from reslab.networks.geometry import ImageGeometry

FORMAT = "reslab artefact 1"
METADATA_KEY = "reslab"
INPUT_NAME = "images"
OUTPUT_NAME = "logits"

Precision = Literal["fp32", "int8"]


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """What is left to do before the graph: (pixels/255 − mean) / std."""

    mean: tuple[float, ...]
    """Of pixels in [0, 1], in the order of `mean_shape`."""
    mean_shape: tuple[int, ...]
    """(C, 1, 1), or (C, H, W) for a mean per pixel."""
    std: tuple[float, ...]
    """One for each channel."""

    def __post_init__(self) -> None:
        if len(self.mean_shape) != 3 or np.prod(self.mean_shape) != len(self.mean):
            raise ConfigError(f"{len(self.mean)} means do not have the shape {self.mean_shape}")
        if len(self.std) != self.mean_shape[0]:
            raise ConfigError(f"{len(self.std)} stds for {self.mean_shape[0]} channels")

    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Normalise images [B, C, H, W]."""
        mean = np.array(self.mean, np.float32).reshape(self.mean_shape)
        std = np.array(self.std, np.float32).reshape(-1, 1, 1)
        return (images.astype(np.float32) / np.float32(255) - mean) / std


@dataclass(frozen=True, kw_only=True)
class Description:
    """The document that every exported file carries under the key `reslab`."""

    format: str = FORMAT
    """Version of this document."""
    precision: Precision
    """Of weights and activations."""
    network: NetworkConfig
    """What was exported."""
    geometry: ImageGeometry
    """How an image of any size becomes what the graph takes."""
    class_names: tuple[str, ...]
    """One name for each logit, in order."""
    normalisation: Normalisation | None
    """None if the graph takes pixels of 0 to 255, uint8, and normalises them itself."""
    provenance: dict[str, Any]
    """Where the weights came from."""

    def prepare(self, images: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Turn pixels [B, C, H, W] into what the graph takes."""
        return images if self.normalisation is None else self.normalisation.apply(images)


def encode_description(description: Description) -> str:
    """The document as JSON text."""
    return canonical_json(to_document(description))


def decode_description(metadata: Mapping[str, str], path: Path) -> Description:
    """Read the document from an exported file's metadata.

    Raises:
        ExportError: if there is none, or it is not one of this version, or contradicts itself.
    """
    if METADATA_KEY not in metadata:
        raise ExportError(
            f"{path} does not say how its images are prepared and what its outputs mean: it was "
            "not made by `reslab export`. Export the weights with that."
        )
    try:
        document = json.loads(metadata[METADATA_KEY])
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{path} is damaged: its description is not JSON ({error})") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise ExportError(
            f"{path} has a description of the format {found!r}, expected {FORMAT!r}: export it "
            "again with this version"
        )
    try:
        description = from_document(document, Description, f"the description of {path}")
    except ConfigError as error:
        raise ExportError(str(error)) from error
    _check(description, path)
    return description


def check_outputs(description: Description, outputs: object, path: Path) -> None:
    """Make sure that a graph has one output for each class name.

    Raises:
        ExportError: if not.
    """
    names = len(description.class_names)
    if outputs != names:
        raise ExportError(f"{path} is damaged: {outputs} outputs, but {names} class names")


def _check(description: Description, path: Path) -> None:
    channels = description.geometry.channels
    normalisation = description.normalisation
    if normalisation is not None and normalisation.mean_shape[0] != channels:
        raise ExportError(
            f"{path} is damaged: {channels} channels, but means for {normalisation.mean_shape[0]}"
        )
