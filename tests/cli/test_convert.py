"""`reslab convert` as a person runs it."""

import json
from pathlib import Path

import pytest
import torch
import tyro

from reslab.cli.convert import Convert
from reslab.errors import ConfigError, ExportError, ReslabError, WeightsError
from reslab.networks.catalogue import find_network
from reslab.networks.conversion.convert import ORIGINS
from reslab.networks.weights import load, save
from tests.networks.conversion.samples import build_classifier, save_state_dict

STATISTICS = ["--mean", "0.49,0.48,0.45", "--std", "0.25,0.24,0.26"]


def convert(*arguments: str | Path) -> int:
    words = [str(argument) for argument in arguments]
    return tyro.cli(Convert, args=words, config=(tyro.conf.OmitArgPrefixes,)).run()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    tensors = build_classifier("plain20").network.state_dict()
    return save_state_dict({f"net.{k}": v for k, v in tensors.items()}, tmp_path / "plain20.pt")


def test_an_ordered_checkpoint_becomes_one_file(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.safetensors"
    code = convert(checkpoint, out, "--from", "ordered", "--as", "plain20", *STATISTICS)
    assert code == 0
    printed = capsys.readouterr()
    # The mapping goes to stderr, one line a tensor.
    first = "net.conv1.weight → conv1.weight (16, 3, 3, 3)"
    assert printed.err.splitlines()[0].split() == first.split()
    assert len(printed.err.splitlines()) == 116
    assert "plain20" in printed.out
    assert "zero" not in printed.out
    classifier = load(out)
    assert classifier.network.config == find_network("plain20")
    assert classifier.preprocessing.mean.flatten().tolist() == pytest.approx([0.49, 0.48, 0.45])


def test_json_is_one_object(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.safetensors"
    convert(
        checkpoint, out, "--from", "ordered", "--as", "plain20", *STATISTICS, "--json",
        "--class-names", "a,b,c,d,e,f,g,h,i,j",
    )  # fmt: skip
    document = json.loads(capsys.readouterr().out)
    assert document["network"] == "plain20"
    assert document["mean"] == [0.49, 0.48, 0.45]
    assert document["provenance"]["origin"] == "ordered"
    assert load(out).class_names == tuple("abcdefghij")


def test_class_names_come_from_a_file_too(checkpoint: Path, tmp_path: Path) -> None:
    names = [f"name, {i}" for i in range(10)]
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n")
    out = tmp_path / "out.safetensors"
    convert(
        checkpoint, out, "--from", "ordered", "--as", "plain20", *STATISTICS,
        "--class-names", tmp_path / "names.txt",
    )  # fmt: skip
    assert load(out).class_names == tuple(names)


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        (["--from", "ordered", "--as", "plain32", *STATISTICS], WeightsError, "another depth"),
        (["--from", "ordered", "--as", "plain21", *STATISTICS], ConfigError, "6n+2"),
        (["--from", "ordered", "--as", "plain20"], ConfigError, "--mean"),
        (["--from", "ordered"], ConfigError, "--as"),
        (["--shortcut", "B"], ConfigError, "name it with --as"),
        ([], WeightsError, "--from"),
        (["--from", "ordered", "--as", "plain20", *STATISTICS, "--class-names", "a,b"],
         ConfigError, "2 class names"),
        (["--from", "ordered", "--as", "plain20", "--mean", "0.5", "--std", "0.5"], ConfigError,
         "3 channels"),
        (["--from", "ordered", "--as", "plain20", *STATISTICS, "--to", "hugging-face"],
         ExportError, "7×7"),
        (["--from", "ordered", "--as", "plain20", *STATISTICS, "--to", "torchvision"],
         ExportError, ".pth"),
    ],
)  # fmt: skip
def test_an_error_leaves_no_file(
    options: list[str], error: type[ReslabError], reason: str, checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(error) as caught:
        convert(checkpoint, tmp_path / "out", *options)
    assert reason in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["plain20.pt"]


def test_out_is_overwritten_only_by_force(tmp_path: Path) -> None:
    source, out = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save(build_classifier("resnet20"), source)
    out.write_text("precious")
    with pytest.raises(ConfigError, match="--force"):
        convert(source, out)
    assert out.read_text() == "precious"
    assert convert(source, out, "--force") == 0
    assert load(out).network.config.name == "resnet20"


def test_out_must_have_a_folder_and_the_right_kind(tmp_path: Path) -> None:
    source = tmp_path / "in.safetensors"
    save(build_classifier("resnet20"), source)
    with pytest.raises(ConfigError, match="does not exist"):
        convert(source, tmp_path / "nowhere" / "out.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        convert(source, tmp_path / "folder", "--force")


def test_the_way_out_and_back_keeps_the_weights(tmp_path: Path) -> None:
    source = tmp_path / "in.safetensors"
    original = build_classifier(find_network("resnet50-v1.5", width=4, num_classes=5))
    save(original, source)
    convert(source, tmp_path / "folder", "--to", "hugging-face")
    convert(tmp_path / "folder", tmp_path / "weights.pth", "--to", "torchvision")
    convert(tmp_path / "weights.pth", tmp_path / "back.safetensors", *STATISTICS)
    back = load(tmp_path / "back.safetensors")
    assert back.network.config == original.network.config
    for name, tensor in original.network.state_dict().items():
        assert torch.equal(back.network.state_dict()[name], tensor)
    # An existing folder is written into, and what else it holds is kept.
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    convert(source, tmp_path / "folder", "--to", "hugging-face", "--force")
    assert (tmp_path / "folder" / "notes.txt").read_text() == "mine"


def test_every_origin_can_be_named() -> None:
    for origin in ORIGINS:
        arguments = ["a", "b", "--from", origin]
        assert (
            tyro.cli(Convert, args=arguments, config=(tyro.conf.OmitArgPrefixes,)).origin == origin
        )
