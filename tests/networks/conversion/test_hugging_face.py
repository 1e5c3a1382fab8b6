"""transformers' own ResNet is the oracle, through files in both directions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from reslab.errors import ConfigError, ExportError, WeightsError
from reslab.networks.catalogue import IMAGENET_BLOCKS, find_network
from reslab.networks.conversion.convert import convert_weights
from reslab.networks.conversion.hugging_face import to_ours
from reslab.networks.conversion.write import to_theirs, write_hugging_face
from reslab.networks.weights import load, save
from tests.networks.conversion.samples import (
    build_classifier,
    randomise_normalisation,
    relative_error,
)

transformers = pytest.importorskip("transformers")
# transformers leaves files for the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TINY = {"embedding_size": 8, "hidden_sizes": [16, 32], "depths": [1, 2]}
NETWORKS = [
    (depth, stride_on_first)
    for depth in IMAGENET_BLOCKS
    for stride_on_first in ((False, True) if depth >= 50 else (False,))
]


def build_theirs(**settings: Any) -> Any:
    torch.manual_seed(0)
    model = transformers.ResNetForImageClassification(transformers.ResNetConfig(**settings))
    randomise_normalisation(model)
    return model.eval()


def save_theirs(model: Any, folder: Path, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    document = {**json.loads(model.config.to_json_string()), **changes}
    (folder / "config.json").write_text(json.dumps(document))
    save_file(model.state_dict(), folder / "model.safetensors")
    return folder


def load_theirs(folder: Path) -> Any:
    return transformers.ResNetForImageClassification.from_pretrained(folder).eval()


@torch.inference_mode()
def check_parity(ours: Any, *others: Any, size: int = 48, channels: int = 3) -> None:
    images = torch.randn(1, channels, size, size, generator=torch.Generator().manual_seed(1))
    for theirs in others:
        assert relative_error(ours(images), theirs(images).logits) < 1e-4
    logits = ours.double()(images.double())
    for theirs in others:
        assert relative_error(logits, theirs.double()(images.double()).logits) < 1e-10


@pytest.mark.parametrize(("depth", "stride_on_first"), NETWORKS)
def test_every_depth_and_stride_gives_their_logits_both_ways(
    depth: int, stride_on_first: bool, tmp_path: Path
) -> None:
    basic = depth < 50
    theirs = build_theirs(
        depths=list(IMAGENET_BLOCKS[depth]),
        layer_type="basic" if basic else "bottleneck",
        hidden_sizes=[width * (1 if basic else 4) for width in (64, 128, 256, 512)],
        downsample_in_bottleneck=stride_on_first,
        num_labels=1000,
    )
    classifier = convert_weights(save_theirs(theirs, tmp_path / "theirs"))

    suffix = "" if basic or stride_on_first else "-v1.5"
    assert classifier.network.config == find_network(f"resnet{depth}{suffix}")
    write_hugging_face(classifier, tmp_path / "back")
    check_parity(classifier.network, theirs, load_theirs(tmp_path / "back"))


@pytest.mark.parametrize("layer_type", ["basic", "bottleneck"])
@pytest.mark.parametrize("first_stage", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_odd_sizes_and_grey_images(
    layer_type: str, first_stage: bool, channels: int, tmp_path: Path
) -> None:
    theirs = build_theirs(
        depths=[2, 1, 3],
        hidden_sizes=[12, 20, 44],
        embedding_size=10,
        layer_type=layer_type,
        downsample_in_first_stage=first_stage,
        num_channels=channels,
        id2label={i: f"label, {i}" for i in range(5)},
    )
    mean, std = [0.5] * channels, [0.25] * channels
    folder = save_theirs(theirs, tmp_path / "theirs")
    classifier = convert_weights(folder, mean=mean, std=std)
    assert classifier.class_names == tuple(f"label, {i}" for i in range(5))
    # The one file keeps all of it, and so does the way back.
    save(classifier, tmp_path / "own.safetensors")
    write_hugging_face(load(tmp_path / "own.safetensors"), tmp_path / "back")
    back = load_theirs(tmp_path / "back")
    assert back.config.id2label == theirs.config.id2label
    check_parity(classifier.network, theirs, back, size=33, channels=channels)


def test_equal_widths_need_no_projection_in_the_first_stage(tmp_path: Path) -> None:
    theirs = build_theirs(**{**TINY, "embedding_size": 16, "layer_type": "basic"})
    classifier = convert_weights(save_theirs(theirs, tmp_path / "theirs"))
    assert not any("layer1.0.downsample" in name for name in classifier.network.state_dict())
    check_parity(classifier.network, theirs)


@torch.inference_mode()
def test_the_other_stride_would_give_other_logits(tmp_path: Path) -> None:
    theirs = build_theirs(num_labels=1000)
    folder = save_theirs(theirs, tmp_path / "theirs", downsample_in_bottleneck=True)
    images = torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    ours = convert_weights(folder).network
    # Far beyond the 1e-4 that parity allows, so that parity can fail.
    assert relative_error(ours(images), theirs(images).logits) > 5e-3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"hidden_sizes": [18, 32]}, "not all divisible by 4"),
        ({"layer_type": "wide"}, "neither 'basic' nor 'bottleneck'"),
        ({"num_channels": 4}, "4 image channels"),
        ({"depths": [1, 2, 3]}, "3 depths but 2 hidden_sizes"),
        ({"depths": [1, 10**9]}, "got 1,000,000,001 and"),
        ({"depths": "12"}, "depths"),
        ({"depths": [True, 2]}, "depths"),
        ({"hidden_sizes": [16, 4 * 10**12]}, "sizes of 1,048,576 are built"),
        ({"hidden_sizes": [16, -4]}, "at least 1"),
        ({"num_labels": 10**12}, "num_labels"),
        ({"id2label": {"0": "a", "2": "b"}}, "without gaps"),
        ({"downsample_in_bottleneck": "yes"}, "downsample_in_bottleneck"),
        ({"depths": [2, 2]}, "another depth: the file has (1, 2) blocks"),
        ({"embedding_size": 9}, "conv1.weight (8, 3, 7, 7) instead of (9, 3, 7, 7)"),
        ({"layer_type": "basic"}, "the file has bottleneck blocks, the network basic ones"),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_reason(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    folder = save_theirs(build_theirs(**TINY), tmp_path / "theirs", **changes)
    with pytest.raises(WeightsError) as caught:
        convert_weights(folder, origin="hugging-face")
    assert reason in str(caught.value)
    assert str(folder) in str(caught.value)


def test_weights_without_their_folder_are_explained(tmp_path: Path) -> None:
    folder = save_theirs(build_theirs(**TINY), tmp_path / "theirs")
    with pytest.raises(WeightsError, match="give the whole folder"):
        convert_weights(folder / "model.safetensors", origin="hugging-face")
    with pytest.raises(WeightsError, match="Hugging Face's names"):
        convert_weights(folder / "model.safetensors", origin="plain", network="resnet18")
    with pytest.raises(ConfigError, match="leave out --as"):
        convert_weights(folder, network="resnet18")


PROCESSORS: list[tuple[dict[str, Any], tuple[int | None, int, str]]] = [
    # As published with the ResNets: an integer size and no crop_pct beyond ConvNeXT's own.
    ({"feature_extractor_type": "ConvNextFeatureExtractor", "size": 224, "crop_pct": 0.875,
      "resample": 3}, (256, 224, "bicubic")),
    ({"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}},
     (256, 224, "bicubic")),
    ({"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 160},
      "crop_pct": 0.95, "resample": 2}, (168, 160, "bilinear")),
    ({"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 232},
      "crop_size": {"height": 224, "width": 224}, "do_center_crop": True, "resample": 2},
     (232, 224, "bilinear")),
    ({"image_processor_type": "ViTImageProcessor", "size": {"height": 96, "width": 96},
      "resample": 2}, (96, 96, "bilinear")),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), PROCESSORS)
def test_preprocessing_is_read(
    document: dict[str, Any], expected: tuple[int | None, int, str], tmp_path: Path
) -> None:
    folder = save_theirs(build_theirs(**TINY), tmp_path / "theirs")
    (folder / "preprocessor_config.json").write_text(json.dumps(document))
    geometry = convert_weights(folder).preprocessing.geometry
    assert (geometry.resize, geometry.crop, geometry.interpolation) == expected


@pytest.mark.parametrize(
    ("document", "mean", "std"),
    [
        ({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.1]}, 0.5, 0.2),
        ({"do_normalize": False}, 0, 1),
        # x·(1/127.5) − 1 over pixels of 0 to 255 is (x/255 − 0.5) / 0.5.
        ({"rescale_factor": 1 / 127.5, "image_mean": 1, "image_std": 1}, 0.5, 0.5),
        ({"do_rescale": False, "image_mean": 127.5, "image_std": 51}, 0.5, 0.2),
    ],
)
def test_normalisation_is_read(
    document: dict[str, Any], mean: float, std: float, tmp_path: Path
) -> None:
    folder = save_theirs(build_theirs(**TINY), tmp_path / "theirs")
    (folder / "preprocessor_config.json").write_text(json.dumps(document))
    preprocessing = convert_weights(folder).preprocessing
    assert float(preprocessing.mean.flatten()[0]) == pytest.approx(mean)
    assert float(preprocessing.std.flatten()[0]) == pytest.approx(std)


@pytest.mark.parametrize(
    "document",
    [{"resample": 1}, {"size": {"height": 5, "width": 6}}, {"size": "large"}, {"image_mean": "x"},
     {"size": 10**30}, {"crop_pct": 0}, {"crop_pct": -1}, {"rescale_factor": 0},
     {"image_std": [0, 0, 0]}],
)  # fmt: skip
def test_bad_preprocessing_is_refused(document: dict[str, Any], tmp_path: Path) -> None:
    folder = save_theirs(build_theirs(**TINY), tmp_path / "theirs")
    (folder / "preprocessor_config.json").write_text(json.dumps(document))
    with pytest.raises((WeightsError, ConfigError)):
        convert_weights(folder)


@pytest.mark.parametrize("size", [(300, 260), (224, 224)])
def test_their_processor_gives_our_pixels_from_a_written_folder(
    size: tuple[int, int], tmp_path: Path
) -> None:
    pillow = pytest.importorskip("PIL.Image")
    write_hugging_face(build_classifier(find_network("resnet18", width=8)), tmp_path / "folder")
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path / "folder")
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    theirs = processor(pillow.fromarray(pixels), return_tensors="pt")["pixel_values"]
    # This classifier does not resize: the crop is at the centre.
    top, left = (size[0] - 224) // 2, (size[1] - 224) // 2
    crop = torch.from_numpy(pixels[top : top + 224, left : left + 224]).permute(2, 0, 1)[None]
    ours = build_classifier("resnet20").preprocessing(crop)
    torch.testing.assert_close(theirs, ours, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (find_network("resnet20"), "7×7"),
        (find_network("resnet18", shortcut="A", width=8), "option B"),
        (find_network("resnet18", shortcut="C", width=8), "option B"),
        (find_network("plain18", width=8), "option B"),
    ],
)
def test_networks_the_library_lacks_are_not_written(
    network: Any, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=reason):
        write_hugging_face(build_classifier(network), tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_names_translate_both_ways() -> None:
    for network in ("resnet18", "resnet50"):
        config = find_network(network, width=4)
        names = list(build_classifier(config).network.state_dict())
        assert [to_ours(to_theirs(name)) for name in names] == names


@given(st.text(max_size=60))
def test_a_name_without_a_place_is_kept(name: str) -> None:
    assert to_ours(name) == name or name.startswith(("resnet.", "classifier.1."))
