"""Parsers of what other programs write: weights of other libraries, logs."""

import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from parsers import FOLDER, Target, make_run, refusing
from safetensors.torch import save as save_tensors
from torch import Tensor

from reslab.networks.conversion.convert import convert_weights
from reslab.networks.weights import load


def curve_seeds() -> Iterable[bytes]:
    """Logs as several libraries write them."""
    yield b"epoch,train_loss,train_err,test_err\n0,2.3,0.9,0.91\n1,1.5,0.5,0.6\n2,0.4,0.1,0.2\n"
    yield b"step;train/acc;val/acc;lr\n0;10,5;9,5;0,1\n100;50,5;49,5;0,1\n"
    yield b"# run 3\nepoch\ttrain_error\tvalid_error\n1\t80%\t81%\n2\tnan\tnan\n"
    yield "\ufeffepoch|train_loss|val_loss\n1|2.0|2.1\n1|1.0|\n2|-|inf\n".encode("utf-16")


def state_dict() -> dict[str, Tensor]:
    """A net's weights under torchvision's names, small."""
    return load(make_run()[1].weights_path).network.state_dict()


def convert(path: Path) -> None:
    """Read another library's file as `reslab convert` does."""
    convert_weights(path, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))


def pickle_seeds() -> Iterable[bytes]:
    """State dicts in PyTorch's two formats, nested and not."""
    tensors = {name: tensor.clone() for name, tensor in state_dict().items()}
    for content, new in (
        (tensors, True),
        ({"state_dict": tensors, "epoch": 3}, True),
        (tensors, False),
    ):
        file = BytesIO()
        torch.save(content, file, _use_new_zipfile_serialization=new)
        yield file.getvalue()


def safetensors_seeds() -> Iterable[bytes]:
    """The same as safetensors."""
    yield save_tensors({k: v.contiguous() for k, v in state_dict().items()}, {"format": "pt"})


def hugging_face() -> Target:
    """config.json and preprocessor_config.json of a folder of transformers', one a line."""
    folder = FOLDER / "hugging-face"
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(next(iter(safetensors_seeds())))

    def parse(content: bytes) -> None:
        config, _, processor = content.partition(b"\n")
        (folder / "config.json").write_bytes(config)
        (folder / "preprocessor_config.json").write_bytes(processor)
        convert(folder)

    config: dict[str, Any] = {
        "model_type": "resnet", "num_channels": 3, "embedding_size": 4, "hidden_sizes": [4, 8, 16],
        "depths": [1, 1, 1], "layer_type": "basic", "hidden_act": "relu",
        "downsample_in_first_stage": False, "id2label": {"0": "a", "1": "b"},
    }  # fmt: skip
    processor = {
        "crop_pct": 0.875, "do_normalize": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.2, 0.2, 0.2], "resample": 3, "size": {"shortest_edge": 224},
        "crop_size": {"height": 224, "width": 224}, "do_center_crop": True,
    }  # fmt: skip
    seed = json.dumps(config).encode() + b"\n" + json.dumps(processor).encode()
    return Target(refusing(parse), lambda: [seed], is_json=True)
