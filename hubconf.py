"""Entry points for `torch.hub`: `torch.hub.load(repository, "resnet20")`.

One entry for each network of the paper (`resnet20`, `plain56`, `resnet50_v1_5`, …), `network` for
any other name, and `load` for a weights file.
"""

import sys as _sys
from collections.abc import Callable as _Callable
from importlib.util import find_spec as _find_spec
from pathlib import Path as _Path
from typing import Any as _Any

# torch.hub runs this file from a copy of the repository, in which reslab need not be installed.
if _find_spec("reslab") is None:
    _sys.path.insert(0, str(_Path(__file__).parent / "src"))

import reslab as _reslab

dependencies = ["torch", "safetensors", "cattrs"]


def load(path: str, device: str = "cpu") -> "_reslab.Classifier":
    """A trained classifier from a reslab weights file: pixels of 0 to 255 in, logits out."""
    return _reslab.load(path, device)


def network(name: str, seed: int = 0, **options: _Any) -> "_reslab.ResNet":
    """An untrained network by name; options are `shortcut`, `num_classes`, `in_channels`, …."""
    return _reslab.build_network(_reslab.find_network(name, **options), seed)


def _make_entry(name: str) -> _Callable[..., "_reslab.ResNet"]:
    def entry(seed: int = 0, **options: _Any) -> "_reslab.ResNet":
        return network(name, seed, **options)

    entry.__doc__ = f"The untrained network {name}; options as of `network`."
    return entry


for _name in _reslab.list_networks():
    globals()[_name.replace("-", "_").replace(".", "_")] = _make_entry(_name)
