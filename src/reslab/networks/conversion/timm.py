"""ImageNet state dicts of timm: torchvision's names and stride, but another treatment of images.

A folder as timm publishes it says the treatment in `config.json`; a bare file does not.
"""

import math
from typing import Any

from reslab.errors import WeightsError
from reslab.networks.config import NetworkConfig
from reslab.networks.conversion.origins import Origin, Translation
from reslab.networks.conversion.source import Source
from reslab.networks.conversion.torchvision import ImageTreatment, translate_torchvision_names
from reslab.networks.geometry import ImageGeometry

_SETTINGS = "pretrained_cfg"


def _recognises(source: Source) -> bool:
    return _SETTINGS in source.documents.get("config.json", {})


def _translate(source: Source, network: NetworkConfig | str | None) -> Translation:
    treatment = _read_treatment(source) if _recognises(source) else _assume_treatment()
    return translate_torchvision_names(source, network, treatment)


def _assume_treatment() -> ImageTreatment:
    geometry = _build_geometry(224, 0.95, "bicubic")
    return ImageTreatment(
        geometry=geometry,
        reason=f"that of weights trained by timm's own recipes (resize to {geometry.resize}, "
        "bicubic, crop 224); a bare file cannot show it: convert the folder with its config.json "
        "to have it read",
    )


def _read_treatment(source: Source) -> ImageTreatment:
    path = source.path / "config.json"
    settings = source.documents["config.json"][_SETTINGS]
    try:
        if settings.get("crop_mode", "center") != "center":
            raise ValueError(f"crop_mode {settings['crop_mode']!r} is not 'center'")
        geometry = _build_geometry(
            int(settings["input_size"][-1]), float(settings["crop_pct"]), settings["interpolation"]
        )
        mean, std = (tuple(map(float, settings[key])) for key in ("mean", "std"))
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise WeightsError(
            f"{path}: its {_SETTINGS} does not describe preprocessing that reslab has: {error!r}"
        ) from error
    return ImageTreatment(geometry=geometry, reason="as config.json says", mean=mean, std=std)


def _build_geometry(size: int, crop_pct: float, interpolation: Any) -> ImageGeometry:
    if interpolation not in ("bilinear", "bicubic"):
        raise ValueError(f"interpolation {interpolation!r} is neither bilinear nor bicubic")
    return ImageGeometry(
        # Rounded down, as timm does: 224 / 0.95 is 235.
        resize=math.floor(size / crop_pct),
        crop=size,
        interpolation=interpolation,
    )


TIMM = Origin(
    name="timm",
    description="ImageNet state dicts of timm, bare or in a folder with config.json",
    recognises=_recognises,
    translate=_translate,
)
