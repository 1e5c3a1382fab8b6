"""A classifier in the terms of other libraries."""

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from reslab.errors import ExportError
from reslab.files.atomic import write_atomically
from reslab.networks.blocks import find_block
from reslab.networks.classifier import Classifier
from reslab.networks.config import NetworkConfig
from reslab.networks.conversion.hugging_face_images import FILE_NAME, describe_image_processor

_OURS = re.compile(r"layer(\d+)\.(\d+)\.(conv|bn|downsample\.)(\d+)\.(.+)")


def write_torchvision(classifier: Classifier, path: Path) -> None:
    """Write the network's state dict, whose names are torchvision's, atomically.

    Args:
        classifier: preprocessing and class names have no place in such a file.
        path: `.safetensors`, or `.pth`, `.pt` for PyTorch's format.

    Raises:
        ExportError: if torchvision would compute something else with these tensors, without an
            error, or the suffix is another.
        OSError: if the folder cannot be written.
    """
    config = classifier.network.config
    if config.block == "bottleneck" and max(config.stage_strides) > 1:
        raise ExportError(
            f"{config.name} has its stride on the first 1×1 convolution, but torchvision's "
            "bottleneck on the 3×3: it would load the tensors and give other answers. Write "
            "--to hugging-face, which can say the difference"
        )
    tensors = _contiguous(classifier.network.state_dict())
    if path.suffix == ".safetensors":
        write_atomically(path, save(tensors, {"format": "pt"}))
    elif path.suffix in (".pth", ".pt"):
        content = io.BytesIO()
        torch.save(tensors, content)
        write_atomically(path, content.getvalue())
    else:
        raise ExportError(
            f"{path}: give a name that ends in .pth, .pt or .safetensors for --to torchvision"
        )


def write_hugging_face(classifier: Classifier, folder: Path) -> None:
    """Write a folder that transformers' `ResNetForImageClassification` loads.

    A new folder appears complete or not at all; in an existing one each file is replaced
    atomically.

    Raises:
        ExportError: if the library has no such network or preprocessing.
        OSError: if the folder cannot be written.
    """
    config = _describe(classifier)
    processor = _describe_images(classifier)
    tensors = {to_theirs(k): v for k, v in _contiguous(classifier.network.state_dict()).items()}
    contents = {
        "model.safetensors": save(tensors, {"format": "pt"}),
        "config.json": _json(config),
        FILE_NAME: _json(processor),
    }
    if folder.is_dir():
        _write_files(folder, contents)
        return
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        complete = Path(temporary) / folder.name
        complete.mkdir()
        _write_files(complete, contents)
        complete.rename(folder)


def to_theirs(name: str) -> str:
    """Hugging Face's name of a tensor of a network of the ImageNet family."""
    match = _OURS.fullmatch(name)
    if match is None:
        for ours, theirs in (
            ("conv1.", "resnet.embedder.embedder.convolution."),
            ("bn1.", "resnet.embedder.embedder.normalization."),
            ("fc.", "classifier.1."),
        ):
            if name.startswith(ours):
                return theirs + name.removeprefix(ours)
        raise ExportError(f"Hugging Face's ResNet has no place for {name}")
    stage, block, kind, number, parameter = match.groups()
    layers = f"resnet.encoder.stages.{int(stage) - 1}.layers.{block}"
    if kind == "downsample.":
        part = ("convolution", "normalization")[int(number)]
        return f"{layers}.shortcut.{part}.{parameter}"
    part = {"conv": "convolution", "bn": "normalization"}[kind]
    return f"{layers}.layer.{int(number) - 1}.{part}.{parameter}"


def _contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        write_atomically(folder / name, content)


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()


def _describe(classifier: Classifier) -> dict[str, Any]:
    config = classifier.network.config
    if reason := _find_obstacle(config):
        raise ExportError(
            f"{config.name} cannot be written for Hugging Face, whose ResNet {reason}"
        )
    expansion = find_block(config.block).expansion
    labels = {str(index): name for index, name in enumerate(classifier.class_names)}
    return {
        "architectures": ["ResNetForImageClassification"],
        "model_type": "resnet",
        "num_channels": config.in_channels,
        "embedding_size": config.stem_width,
        "hidden_sizes": [width * expansion for width in config.stage_widths],
        "depths": list(config.blocks_per_stage),
        "layer_type": "basic" if config.block == "basic" else "bottleneck",
        "hidden_act": "relu",
        "downsample_in_first_stage": config.stage_strides[0] == 2,
        "downsample_in_bottleneck": config.block == "bottleneck",
        "id2label": labels,
        "label2id": {name: int(index) for index, name in labels.items()},
    }


def _find_obstacle(config: NetworkConfig) -> str | None:
    if config.stem != "imagenet":
        return "always begins with a 7×7 convolution and max pooling, not the CIFAR stem"
    if config.shortcut != "B":
        return f"has projections where dimensions change (option B), not {config.shortcut!r}"
    if config.block not in ("basic", "bottleneck", "bottleneck-v1.5"):
        return f"has no block {config.block!r}"
    if config.stage_strides[0] not in (1, 2) or set(config.stage_strides[1:]) - {2}:
        return f"has the strides 1 or 2, then 2 in each stage, not {config.stage_strides}"
    return None


def _describe_images(classifier: Classifier) -> dict[str, Any]:
    preprocessing = classifier.preprocessing
    if preprocessing.mean.shape[1:] != (1, 1):
        raise ExportError(
            "a mean per pixel cannot be written for Hugging Face, which has one per channel"
        )
    mean, std = preprocessing.mean.flatten().tolist(), preprocessing.std.flatten().tolist()
    return describe_image_processor(preprocessing.geometry, mean, std)
