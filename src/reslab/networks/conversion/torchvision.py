"""ImageNet state dicts of torchvision, whose names coincide with reslab's.

Their bottleneck has its stride on the 3×3 convolution ("v1.5"), which the tensors cannot show.
"""

from dataclasses import dataclass

from reslab.networks.config import NetworkConfig
from reslab.networks.conversion.inference import fit_network, infer_network
from reslab.networks.conversion.origins import IMAGENET_MEAN, IMAGENET_STD, Origin, Translation
from reslab.networks.conversion.source import Source
from reslab.networks.geometry import ImageGeometry

# First digits of the SHA-256 of torchvision's second set of weights (IMAGENET1K_V2), which its file
# names carry too: those resize to 232 pixels, the first set to 256.
_SECOND_WEIGHTS = ("11ad3fa6", "cd907fc2", "f82ba261")


@dataclass(frozen=True, kw_only=True)
class ImageTreatment:
    """What a library does to an image before the network sees it."""

    geometry: ImageGeometry
    reason: str
    """How it was decided."""
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD


def translate_torchvision_names(
    source: Source, network: NetworkConfig | str | None, treatment: ImageTreatment
) -> Translation:
    """Take over a state dict whose names are reslab's already.

    Raises:
        WeightsError: if its architecture is not given and cannot be seen.
        ConfigError: if there is no network of the name given.
    """
    if network is None:
        config = infer_network(
            source.tensors, str(source.file), bottleneck="bottleneck-v1.5", zero_padding="A"
        )
        stride = "on the 3×3 convolution (v1.5), as torchvision and timm have it"
    else:
        config = fit_network(network, source.tensors)
        stride = f"as in the network asked for, {config.name}"
    choices = {"preprocessing": treatment.reason}
    if config.block.startswith("bottleneck"):
        choices["stride"] = f"{stride}; the tensors cannot show it"
    return Translation(
        config=config,
        state_dict=source.tensors,
        names={name: name for name in source.tensors},
        geometry=treatment.geometry,
        mean=treatment.mean,
        std=treatment.std,
        choices=choices,
    )


def _recognises(source: Source) -> bool:
    stem = source.tensors.get("conv1.weight")
    return (
        stem is not None
        and stem.shape[2:] == (7, 7)
        and {"bn1.weight", "layer1.0.conv1.weight", "fc.weight"} <= source.tensors.keys()
    )


def _translate(source: Source, network: NetworkConfig | str | None) -> Translation:
    is_second = source.sha256.startswith(_SECOND_WEIGHTS)
    resize = 232 if is_second else 256
    treatment = ImageTreatment(
        geometry=ImageGeometry(resize=resize, crop=224),
        reason=f"that of torchvision's {'second' if is_second else 'first'} weights (resize to "
        f"{resize}, bilinear, crop 224); the tensors cannot show it, and timm's differs",
    )
    return translate_torchvision_names(source, network, treatment)


TORCHVISION = Origin(
    name="torchvision",
    description="ImageNet state dicts of torchvision",
    recognises=_recognises,
    translate=_translate,
)
