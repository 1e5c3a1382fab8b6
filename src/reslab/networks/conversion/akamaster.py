"""CIFAR-10 networks of the repository akamaster/pytorch_resnet_cifar10.

Saved from `DataParallel` (`module.` before every name), the classifier called `linear`, and option
A with half of the zero channels before the real ones and half after.
"""

from reslab.networks.config import NetworkConfig
from reslab.networks.conversion.inference import fit_network, infer_network
from reslab.networks.conversion.origins import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Origin,
    Translation,
    rename,
)
from reslab.networks.conversion.source import Source
from reslab.networks.geometry import ImageGeometry

CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_PREFIX = "module."


def _recognises(source: Source) -> bool:
    return {"module.conv1.weight", "module.linear.weight"} <= source.tensors.keys()


def _to_ours(name: str) -> str:
    name = name.removeprefix(_PREFIX)
    return name.replace("linear.", "fc.", 1) if name.startswith("linear.") else name


def _translate(source: Source, network: NetworkConfig | str | None) -> Translation:
    state_dict, names = rename(source.tensors, _to_ours)
    if network is None:
        config = infer_network(
            state_dict, str(source.file), bottleneck="bottleneck", zero_padding="A-split"
        )
    else:
        config = fit_network(network, state_dict, zero_padding="A-split")
    return Translation(
        config=config,
        state_dict=state_dict,
        names=names,
        geometry=ImageGeometry(resize=config.input_size, crop=config.input_size),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        class_names=CIFAR10_CLASSES if config.num_classes == len(CIFAR10_CLASSES) else None,
        choices={
            "zero_padding": "split before and after the real channels, as that repository has it; "
            "the tensors cannot show it",
            "preprocessing": "that repository's, which are ImageNet's mean and deviation",
        },
    )


AKAMASTER = Origin(
    name="akamaster",
    description="checkpoints of akamaster/pytorch_resnet_cifar10",
    recognises=_recognises,
    translate=_translate,
)
