"""Origins, what they imply, and what the caller says instead."""

import json
from pathlib import Path

import pytest
import torch

from reslab.errors import ConfigError, ExportError, WeightsError
from reslab.networks.catalogue import find_network
from reslab.networks.classifier import Classifier
from reslab.networks.conversion.convert import ORIGINS, convert_weights
from reslab.networks.conversion.write import write_torchvision
from reslab.networks.weights import load, save
from tests.networks.conversion.samples import MEAN, STD, build_classifier, save_state_dict

IMAGENET_MEAN = [0.485, 0.456, 0.406]


def assert_same_answers(found: Classifier, expected: Classifier) -> None:
    size = expected.network.config.input_size
    images = torch.randint(0, 256, (2, expected.network.config.in_channels, size, size))
    with torch.inference_mode():
        assert torch.equal(found(images), expected(images))


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_torchvision_files_are_recognised_and_read(depth: int, suffix: str, tmp_path: Path) -> None:
    name = f"resnet{depth}" + ("-v1.5" if depth >= 50 else "")
    original = build_classifier(find_network(name, width=4, num_classes=7))
    write_torchvision(original, tmp_path / f"weights{suffix}")
    converted = convert_weights(tmp_path / f"weights{suffix}", mean=MEAN, std=STD)
    assert converted.network.config == original.network.config
    assert converted.provenance.details["origin"] == "torchvision"
    assert_same_answers(converted, original)


def test_imagenet_preprocessing_follows_the_origin(tmp_path: Path) -> None:
    original = build_classifier(find_network("resnet18", width=4))
    write_torchvision(original, tmp_path / "weights.pth")
    geometries = {}
    for origin in ("torchvision", "timm"):
        preprocessing = convert_weights(tmp_path / "weights.pth", origin=origin).preprocessing
        assert preprocessing.mean.flatten().tolist() == pytest.approx(IMAGENET_MEAN)
        geometry = preprocessing.geometry
        geometries[origin] = geometry.resize, geometry.crop, geometry.interpolation
    assert geometries == {"torchvision": (256, 224, "bilinear"), "timm": (235, 224, "bicubic")}


def write_timm_folder(folder: Path, **changes: object) -> Path:
    write_torchvision(
        build_classifier(find_network("resnet50-v1.5", width=4)), folder / "model.safetensors"
    )
    settings = {
        "input_size": [3, 160, 160], "crop_pct": 0.95, "interpolation": "bicubic",
        "crop_mode": "center", "mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2], **changes,
    }  # fmt: skip
    document = {"architecture": "resnet50", "num_classes": 1000, "pretrained_cfg": settings}
    (folder / "config.json").write_text(json.dumps(document))
    return folder


def test_a_timm_folder_says_its_preprocessing(tmp_path: Path) -> None:
    classifier = convert_weights(write_timm_folder(tmp_path))
    geometry = classifier.preprocessing.geometry
    assert (geometry.resize, geometry.crop, geometry.interpolation) == (168, 160, "bicubic")
    assert classifier.preprocessing.std.flatten().tolist() == pytest.approx([0.2] * 3)
    assert classifier.network.config.block == "bottleneck-v1.5"
    assert classifier.provenance.details["origin"] == "timm"


@pytest.mark.parametrize(
    "changes",
    [{"crop_mode": "squash"}, {"interpolation": "nearest"}, {"crop_pct": 0}, {"mean": None},
     {"input_size": "large"}, {"crop_pct": float("nan")}],
)  # fmt: skip
def test_a_timm_folder_reslab_cannot_follow_is_refused(
    changes: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match="pretrained_cfg"):
        convert_weights(write_timm_folder(tmp_path, **changes))


def test_the_stride_is_recorded_and_can_be_asked_for(tmp_path: Path) -> None:
    original = build_classifier(find_network("resnet50-v1.5", width=4))
    write_torchvision(original, tmp_path / "weights.pth")
    by_default = convert_weights(tmp_path / "weights.pth")
    assert "v1.5" in by_default.provenance.details["choices"]["stride"]
    asked = convert_weights(
        tmp_path / "weights.pth", network=find_network("resnet50", width=4), mean=MEAN, std=STD
    )
    assert asked.network.config.block == "bottleneck"
    assert "as in the network asked for" in asked.provenance.details["choices"]["stride"]


@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
@pytest.mark.parametrize(("classes", "channels"), [(10, 3), (100, 1)])
def test_a_name_leaves_to_the_tensors_what_they_show(
    shortcut: str, classes: int, channels: int, tmp_path: Path
) -> None:
    config = find_network("resnet20", shortcut=shortcut, num_classes=classes, in_channels=channels)
    path = save_state_dict(
        build_classifier(config).network.state_dict(), tmp_path / "weights.safetensors"
    )
    converted = convert_weights(path, network="resnet20", mean=MEAN[:channels], std=STD[:channels])
    assert converted.network.config == config
    assert converted.provenance.details["origin"] == "plain"
    assert converted.class_names == tuple(map(str, range(classes)))


def test_ordered_matches_any_names(tmp_path: Path) -> None:
    original = build_classifier("plain20")
    tensors = original.network.state_dict()
    renamed = {
        f"part{i}.{name.rsplit('.', 1)[-1]}": v for i, (name, v) in enumerate(tensors.items())
    }
    path = save_state_dict(renamed, tmp_path / "weights.pt")
    shown: list[tuple[str, str, tuple[int, ...]]] = []
    converted = convert_weights(
        path, origin="ordered", network="plain20", mean=MEAN, std=STD, show_names=shown.extend
    )
    assert_same_answers(converted, original)
    assert [ours for _, ours, _ in shown] == list(tensors)
    assert shown[0] == ("part0.weight", "conv1.weight", (16, 3, 3, 3))


def test_ordered_sees_swapped_roles_that_shapes_cannot_show(tmp_path: Path) -> None:
    names = list(build_classifier("plain20").network.state_dict().items())
    weight, bias = names[1], names[2]
    names[1], names[2] = bias, weight
    path = save_state_dict(dict(names), tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match=r"2 missing: bn1\.weight, bn1\.bias; 2 unexpected"):
        convert_weights(path, origin="ordered", network="plain20", mean=MEAN, std=STD)


def test_ordered_shows_the_names_and_then_refuses_another_depth(tmp_path: Path) -> None:
    path = save_state_dict(build_classifier("plain20").network.state_dict(), tmp_path / "w.pt")
    shown: list[tuple[str, str, tuple[int, ...]]] = []
    with pytest.raises(WeightsError, match=r"the file has 19 convolutions, plain32 .* has 31"):
        convert_weights(
            path, origin="ordered", network="plain32", mean=MEAN, std=STD, show_names=shown.extend
        )
    assert len(shown) == 116


def test_ordered_refuses_what_keeps_no_order_or_names_no_network(tmp_path: Path) -> None:
    tensors = build_classifier("plain20").network.state_dict()
    with pytest.raises(WeightsError, match="does not keep the order"):
        convert_weights(
            save_state_dict(tensors, tmp_path / "w.safetensors"),
            origin="ordered",
            network="plain20",
        )
    with pytest.raises(ConfigError, match="--as"):
        convert_weights(save_state_dict(tensors, tmp_path / "w.pt"), origin="ordered")


def test_reslabs_own_files_pass_through(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    original = build_classifier("resnet20")
    digest = save(original, path)
    again = convert_weights(path)
    assert_same_answers(again, original)
    assert save(again, tmp_path / "again.safetensors") == digest
    replaced = convert_weights(path, mean=[0, 0, 0], class_names=list("abcdefghij"))
    assert replaced.class_names == tuple("abcdefghij")
    assert replaced.preprocessing.mean.flatten().tolist() == [0, 0, 0]
    assert torch.equal(replaced.preprocessing.std, original.preprocessing.std)
    assert replaced.provenance.details["replaced"] == ["mean", "class_names"]
    with pytest.raises(ConfigError, match="leave --as out"):
        convert_weights(path, network="resnet20")


def test_a_damaged_file_of_reslabs_is_not_taken_for_another(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    save(build_classifier("resnet20"), path)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="damaged"):
        convert_weights(path)


def test_unknown_origins_are_refused_and_unclear_ones_asked_for(tmp_path: Path) -> None:
    path = save_state_dict({"a.weight": torch.zeros(3)}, tmp_path / "w.pth")
    with pytest.raises(ConfigError, match="unknown origin 'keras'"):
        convert_weights(path, origin="keras")
    with pytest.raises(WeightsError, match="Say it with --from"):
        convert_weights(path)
    for origin in ORIGINS:
        with pytest.raises((WeightsError, ConfigError)):
            convert_weights(path, origin=origin)


def test_a_prefix_that_hides_the_architecture_is_named(tmp_path: Path) -> None:
    tensors = build_classifier(find_network("resnet18", width=4)).network.state_dict()
    path = save_state_dict({f"module.{k}": v for k, v in tensors.items()}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"it is there as module\.conv1\.weight"):
        convert_weights(path, origin="torchvision")


def test_half_precision_is_read_exactly(tmp_path: Path) -> None:
    tensors = {
        k: v.bfloat16() if v.is_floating_point() else v
        for k, v in build_classifier("resnet20").network.state_dict().items()
    }
    path = save_state_dict(tensors, tmp_path / "w.pth")
    network = convert_weights(path, network="resnet20", mean=MEAN, std=STD).network
    assert network.conv1.weight.dtype == torch.float32
    assert torch.equal(network.conv1.weight, tensors["conv1.weight"].float())


def test_torchvision_gets_no_network_it_would_misread(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="stride"):
        write_torchvision(
            build_classifier(find_network("resnet50", width=4)), tmp_path / "weights.pth"
        )
    with pytest.raises(ExportError, match=r"\.pth, \.pt or \.safetensors"):
        write_torchvision(build_classifier("resnet20"), tmp_path / "weights.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_converted_file_says_where_it_came_from(tmp_path: Path) -> None:
    tensors = build_classifier("resnet20").network.state_dict()
    path = save_state_dict(tensors, tmp_path / "w.pth")
    save(
        convert_weights(path, network="resnet20", mean=MEAN, std=STD), tmp_path / "own.safetensors"
    )
    provenance = load(tmp_path / "own.safetensors").provenance
    assert "w.pth" in provenance.source
    details = provenance.details
    assert len(details["sha256"]) == 64
    assert details["choices"]["mean"] == "as given"
    assert "after the real channels" in details["choices"]["zero_padding"]
