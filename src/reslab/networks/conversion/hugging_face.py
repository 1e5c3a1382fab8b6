"""Folders of Hugging Face's `ResNetForImageClassification`: config.json and model.safetensors.

`downsample_in_bottleneck` says where a bottleneck's stride stands: true on the first 1×1
convolution, as in the paper, false on the 3×3. Shortcuts are option B.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from reslab.errors import ConfigError, WeightsError
from reslab.files.documents import from_document
from reslab.networks.config import MAX_SIZE, NetworkConfig
from reslab.networks.conversion.hugging_face_images import read_image_processor
from reslab.networks.conversion.inference import name_network
from reslab.networks.conversion.origins import Origin, Translation, rename
from reslab.networks.conversion.source import Source

_STEM = re.compile(r"resnet\.embedder\.embedder\.(convolution|normalization)\.(.+)")
_LAYER = re.compile(
    r"resnet\.encoder\.stages\.(\d{1,6})\.layers\.(\d{1,6})\.layer\.(\d{1,6})"
    r"\.(convolution|normalization)\.(.+)"
)
_SHORTCUT = re.compile(
    r"resnet\.encoder\.stages\.(\d{1,6})\.layers\.(\d{1,6})\.shortcut\.(convolution|normalization)\.(.+)"
)
_KIND = {"convolution": "conv", "normalization": "bn"}


@dataclass(frozen=True, kw_only=True)
class HuggingFaceConfig:
    """What config.json says of a ResNet's architecture, with the library's defaults."""

    model_type: str = "resnet"
    num_channels: int = 3
    embedding_size: int = 64
    hidden_sizes: tuple[int, ...] = (256, 512, 1024, 2048)
    depths: tuple[int, ...] = (3, 4, 6, 3)
    layer_type: str = "bottleneck"
    hidden_act: str = "relu"
    downsample_in_first_stage: bool = False
    downsample_in_bottleneck: bool = False

    def __post_init__(self) -> None:
        if self.model_type != "resnet":
            raise ConfigError(f"its model_type is {self.model_type!r}; reslab reads 'resnet' only")
        if self.layer_type not in ("basic", "bottleneck"):
            raise ConfigError(f"layer_type {self.layer_type!r} is neither 'basic' nor 'bottleneck'")
        if self.hidden_act != "relu":
            raise ConfigError(f"hidden_act is {self.hidden_act!r}; reslab's networks use 'relu'")
        if self.num_channels not in (1, 3):
            raise ConfigError(f"{self.num_channels} image channels; reslab reads 1 or 3")
        if len(self.depths) != len(self.hidden_sizes):
            raise ConfigError(
                f"{len(self.depths)} depths but {len(self.hidden_sizes)} hidden_sizes; the library "
                "would drop the surplus silently"
            )
        if self.layer_type == "bottleneck" and any(size % 4 for size in self.hidden_sizes):
            raise ConfigError(
                f"hidden_sizes {list(self.hidden_sizes)} are not all divisible by 4, as the "
                "paper's bottleneck needs: its 3×3 convolution is a quarter as wide as its output"
            )

    @property
    def block(self) -> str:
        """The name of reslab's block."""
        if self.layer_type == "basic":
            return "basic"
        return "bottleneck" if self.downsample_in_bottleneck else "bottleneck-v1.5"


def to_ours(name: str) -> str:
    """The name in reslab of a tensor of Hugging Face; one that has none is returned unchanged."""
    if match := _STEM.fullmatch(name):
        return f"{_KIND[match[1]]}1.{match[2]}"
    if match := _LAYER.fullmatch(name):
        stage, block, layer = (int(match[i]) for i in (1, 2, 3))
        return f"layer{stage + 1}.{block}.{_KIND[match[4]]}{layer + 1}.{match[5]}"
    if match := _SHORTCUT.fullmatch(name):
        position = 0 if match[3] == "convolution" else 1
        return f"layer{int(match[1]) + 1}.{match[2]}.downsample.{position}.{match[4]}"
    return name.replace("classifier.1.", "fc.", 1) if name.startswith("classifier.1.") else name


def _recognises(source: Source) -> bool:
    config = source.documents.get("config.json", {})
    return config.get("model_type") == "resnet" and "pretrained_cfg" not in config


def _translate(source: Source, network: NetworkConfig | str | None) -> Translation:
    path = source.path / "config.json"
    if "config.json" not in source.documents:
        raise WeightsError(f"{source.path} is not a folder with config.json, without which the "
                           "architecture is not known: give the whole folder")  # fmt: skip
    if network is not None:
        raise ConfigError(f"{path} says the architecture: leave out --as ({network})")
    document = source.documents["config.json"]
    try:
        class_names, num_classes = _read_class_names(document)
        known = {field.name for field in fields(HuggingFaceConfig)}
        settings = {key: value for key, value in document.items() if key in known}
        config = from_document(settings, HuggingFaceConfig, str(path))
        processor = read_image_processor(source, config.num_channels)
        network_config = _describe(config, num_classes, processor.geometry.crop)
    except ConfigError as error:
        raise WeightsError(f"{path} cannot be said in reslab's terms: {error}") from error
    state_dict, names = rename(source.tensors, to_ours)
    return Translation(
        config=network_config,
        state_dict=state_dict,
        names=names,
        geometry=processor.geometry,
        mean=processor.mean,
        std=processor.std,
        class_names=class_names,
        choices={
            "preprocessing": processor.reason,
            "stride": f"downsample_in_bottleneck is {config.downsample_in_bottleneck}",
        },
    )


def _describe(config: HuggingFaceConfig, num_classes: int, input_size: int) -> NetworkConfig:
    expansion = 1 if config.layer_type == "basic" else 4
    network = NetworkConfig(
        name="",
        stem="imagenet",
        block=config.block,
        shortcut="B",
        stem_width=config.embedding_size,
        blocks_per_stage=config.depths,
        stage_widths=tuple(size // expansion for size in config.hidden_sizes),
        stage_strides=(
            2 if config.downsample_in_first_stage else 1, *(2 for _ in config.depths[1:])
        ),
        num_classes=num_classes,
        in_channels=config.num_channels,
        input_size=input_size,
    )  # fmt: skip
    return replace(network, name=name_network(network))


def _read_class_names(document: Mapping[str, Any]) -> tuple[tuple[str, ...] | None, int]:
    names = document.get("id2label")
    if names is None:
        num_classes = document.get("num_labels", 2)
        if type(num_classes) is not int or not 1 <= num_classes <= MAX_SIZE:
            raise ConfigError(f"num_labels is {num_classes!r}, expected a number of classes")
        return None, num_classes
    if not isinstance(names, dict) or {str(i) for i in range(len(names))} != names.keys():
        raise ConfigError("id2label does not number the classes from 0 without gaps")
    return tuple(str(names[str(i)]) for i in range(len(names))), len(names)


HUGGING_FACE = Origin(
    name="hugging-face",
    description="a folder of transformers' ResNetForImageClassification",
    recognises=_recognises,
    translate=_translate,
)
