"""Every tensor finds its place, or the error names it and guesses the cause."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from reslab.errors import WeightsError
from reslab.networks.catalogue import cifar_network, find_network
from reslab.networks.config import NetworkConfig
from reslab.networks.conversion.convert import convert_weights
from tests.networks.conversion.samples import MEAN, STD, build_classifier, save_state_dict

SMALL = cifar_network(8, name="resnet8", shortcut="B", width=4)
TENSORS = build_classifier(SMALL).network.state_dict()


def convert(tensors: dict[str, Tensor], network: NetworkConfig | str, folder: Path) -> None:
    path = save_state_dict(tensors, folder / "weights.pth")
    convert_weights(path, origin="plain", network=network, mean=MEAN, std=STD)


def remove(tensors: dict[str, Tensor], name: str) -> str:
    del tensors[name]
    return name


def rename(tensors: dict[str, Tensor], name: str) -> str:
    tensors[f"{name}x"] = tensors.pop(name)
    return f"{name}x"


def add(tensors: dict[str, Tensor], name: str) -> str:
    tensors[f"extra.{name}"] = torch.zeros(3)
    return f"extra.{name}"


def enlarge(tensors: dict[str, Tensor], name: str) -> str:
    tensor = tensors[name]
    tensors[name] = torch.zeros([n + 1 for n in tensor.shape] or [1], dtype=tensor.dtype)
    return name


def flatten(tensors: dict[str, Tensor], name: str) -> str:
    tensors[name] = tensors[name].reshape(1, -1)
    return name


def poison(tensors: dict[str, Tensor], name: str) -> str:
    tensors[name] = torch.full_like(tensors[name], float("nan"), dtype=torch.float32)
    return name


CORRUPTIONS = [remove, rename, add, enlarge, flatten, poison]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None
)
@given(name=st.sampled_from(sorted(TENSORS)), corrupt=st.sampled_from(CORRUPTIONS))
def test_any_corruption_is_an_error_that_names_the_tensor(
    name: str, corrupt: Callable[[dict[str, Tensor], str], str], tmp_path: Path
) -> None:
    tensors = dict(TENSORS)
    culprit = corrupt(tensors, name)
    with pytest.raises(WeightsError) as caught:
        convert(tensors, SMALL, tmp_path)
    assert culprit in str(caught.value)


def test_the_untouched_state_dict_fits(tmp_path: Path) -> None:
    convert(dict(TENSORS), SMALL, tmp_path)


def state_dict(name: str, **options: int | str) -> dict[str, Tensor]:
    return build_classifier(find_network(name, **options)).network.state_dict()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "asked", "cause"),
    [
        (("resnet20", {}), ("resnet32", {}), "another depth: the file has (3, 3, 3) blocks"),
        (("resnet20", {"num_classes": 100}), ("resnet20", {}), "100 classes, the network 10"),
        (("resnet20", {"in_channels": 1}), ("resnet20", {}), "images of 1 channels"),
        (("resnet20", {"shortcut": "B"}), ("resnet20", {}), "shortcut option A was asked for"),
        (("resnet20", {"shortcut": "C"}), ("plain20", {}), "a plain net was asked for"),
        (("resnet20", {}), ("resnet20", {"shortcut": "B"}), "no projection shortcuts"),
        (("resnet20", {"width": 8}), ("resnet20", {}), "another width: 8 channels"),
        (("resnet18", {"width": 4}), ("resnet20", {"width": 4}), "(ImageNet stem)"),
        (("resnet50", {"width": 4}), ("resnet34", {"width": 4}), "has bottleneck blocks"),
        (("resnet34", {"width": 4}), ("resnet50", {"width": 4}), "the file basic ones"),
    ],
)
def test_the_likely_cause_is_named(
    found: tuple[str, dict[str, int | str]],
    asked: tuple[str, dict[str, int | str]],
    cause: str,
    tmp_path: Path,
) -> None:
    network = find_network(asked[0], **asked[1])  # type: ignore[arg-type]
    with pytest.raises(WeightsError) as caught:
        convert(state_dict(found[0], **found[1]), network, tmp_path)
    assert cause in str(caught.value)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda t: {f"module.{k}": v for k, v in t.items()}, "left by DataParallel"),
        (lambda t: {f"_orig_mod.{k}": v for k, v in t.items()}, "left by torch.compile"),
        (lambda t: {f"backbone.{k}": v for k, v in t.items()}, "begins with `backbone.`"),
        (lambda t: {k.upper(): v for k, v in t.items()}, "no name is shared"),
        (lambda t: {k: v for k, v in t.items() if "running" not in k}, "were not saved"),
        (lambda t: {k: v for k, v in t.items() if not k.startswith("fc")}, "no classifier"),
        (lambda t: {**t, "conv1.bias": torch.zeros(16)}, "BN was folded"),
    ],
)
def test_what_was_done_to_the_names_is_guessed(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], cause: str, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError) as caught:
        convert(change(state_dict("resnet20")), "resnet20", tmp_path)
    assert cause in str(caught.value)


def test_counters_of_old_files_are_filled_but_not_lost_ones(tmp_path: Path) -> None:
    tensors = state_dict("resnet20")
    without = {k: v for k, v in tensors.items() if not k.endswith("num_batches_tracked")}
    convert(without, "resnet20", tmp_path)
    del tensors["bn1.num_batches_tracked"]
    with pytest.raises(WeightsError, match=r"bn1\.num_batches_tracked"):
        convert(tensors, "resnet20", tmp_path)


def test_a_name_asks_for_no_more_blocks_than_there_are_tensors(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="blocks"):
        convert(state_dict("resnet20"), "resnet1202", tmp_path)
