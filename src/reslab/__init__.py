"""Residual networks, understood and trained: He et al. 2016 as something one runs and measures.

The names below are the public API. Each is imported when it is first used, so that importing
`reslab` (and starting its command) does not wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reslab.analysis.diagnosis import diagnose as diagnose
    from reslab.data.config import DataConfig as DataConfig
    from reslab.errors import ReslabError as ReslabError
    from reslab.networks.catalogue import find_network as find_network
    from reslab.networks.catalogue import list_networks as list_networks
    from reslab.networks.classifier import Classifier as Classifier
    from reslab.networks.complexity import describe_network as describe_network
    from reslab.networks.config import NetworkConfig as NetworkConfig
    from reslab.networks.conversion.convert import convert_weights as convert_weights
    from reslab.networks.preprocessing import Preprocessing as Preprocessing
    from reslab.networks.resnet import ResNet as ResNet
    from reslab.networks.resnet import build_network as build_network
    from reslab.networks.weights import load as load
    from reslab.networks.weights import save as save
    from reslab.studies.catalogue import find_study as find_study
    from reslab.studies.catalogue import list_studies as list_studies
    from reslab.studies.conduct import conduct as conduct
    from reslab.studies.setting import choose_setting as choose_setting
    from reslab.training.image_plan import ImageRunOptions as ImageRunOptions
    from reslab.training.image_plan import plan_image_run as plan_image_run
    from reslab.training.loop import train as train
    from reslab.training.plan import plan_network as plan_network
    from reslab.training.plan import plan_run as plan_run
    from reslab.training.run_config import ExecutionConfig as ExecutionConfig
    from reslab.training.run_config import RunConfig as RunConfig

__version__ = "0.1.0"

_HOMES = {
    "diagnose": "reslab.analysis.diagnosis",
    "DataConfig": "reslab.data.config",
    "plan_network": "reslab.training.plan",
    "plan_run": "reslab.training.plan",
    "plan_image_run": "reslab.training.image_plan",
    "ImageRunOptions": "reslab.training.image_plan",
    "ExecutionConfig": "reslab.training.run_config",
    "find_study": "reslab.studies.catalogue",
    "list_studies": "reslab.studies.catalogue",
    "conduct": "reslab.studies.conduct",
    "choose_setting": "reslab.studies.setting",
    "train": "reslab.training.loop",
    "RunConfig": "reslab.training.run_config",
    "convert_weights": "reslab.networks.conversion.convert",
    "ReslabError": "reslab.errors",
    "find_network": "reslab.networks.catalogue",
    "list_networks": "reslab.networks.catalogue",
    "Classifier": "reslab.networks.classifier",
    "describe_network": "reslab.networks.complexity",
    "NetworkConfig": "reslab.networks.config",
    "Preprocessing": "reslab.networks.preprocessing",
    "ResNet": "reslab.networks.resnet",
    "build_network": "reslab.networks.resnet",
    "load": "reslab.networks.weights",
    "save": "reslab.networks.weights",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reslab' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
