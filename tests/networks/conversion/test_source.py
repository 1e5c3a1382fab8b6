"""Hostile and broken inputs: refused in words, and nothing in them is run."""

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reslab.errors import WeightsError
from reslab.networks.conversion.convert import convert_weights
from reslab.networks.conversion.source import MAX_JSON_BYTES, read_source
from tests.networks.conversion.samples import build_classifier, save_state_dict


class Malicious:
    """Unpickling it writes a file."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> Any:
        return os.system, (f"touch '{self.victim}'",)


@pytest.fixture
def state_dict() -> dict[str, torch.Tensor]:
    return build_classifier("resnet20").network.state_dict()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("suffix", [".pth", ".th", ".pt", ".bin", ".ckpt"])
def test_a_pickle_with_code_is_refused_and_not_run(
    legacy: bool, suffix: str, tmp_path: Path, state_dict: dict[str, torch.Tensor]
) -> None:
    victim, path = tmp_path / "victim", tmp_path / f"weights{suffix}"
    content = {"state_dict": state_dict, "extra": Malicious(victim)}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(WeightsError, match=r"posix\.system.*runs no code"):
        read_source(path)
    assert not victim.exists()
    # The same file does run its code where it is trusted: the test can fail.
    torch.load(path, weights_only=False)
    assert victim.exists()


def test_a_bare_malicious_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(Malicious(victim)))
    with pytest.raises(WeightsError):
        read_source(path)
    assert not victim.exists()


def test_a_whole_pickled_model_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save(build_classifier("resnet20").network, path)
    with pytest.raises(WeightsError, match=r"resnet\.ResNet.*model\.state_dict\(\)"):
        read_source(path)


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "program.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("program/constants.pkl", b"\x80\x02}.")
        archive.writestr("program/data.pkl", b"\x80\x02}.")
        archive.writestr("program/version", "6\n")
    with pytest.raises(WeightsError, match="TorchScript"):
        read_source(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("keep", [0, 1, 10, 1000, 0.5, 0.99])
def test_truncated_files_are_refused(
    suffix: str, keep: float, tmp_path: Path, state_dict: dict[str, torch.Tensor]
) -> None:
    path = save_state_dict(state_dict, tmp_path / f"weights{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(WeightsError, match=f"{path} is not a whole"):
        convert_weights(path, origin="plain", network="resnet20")


def test_a_truncated_legacy_file_is_refused(
    tmp_path: Path, state_dict: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "weights.th"
    torch.save(state_dict, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    for length in range(0, len(content), len(content) // 37):
        path.write_bytes(content[:length])
        with pytest.raises(WeightsError, match="not a whole PyTorch file"):
            read_source(path)


def test_a_zip_of_garbage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/data.pkl", b"\x00garbage")
        archive.writestr("weights/data/0", b"garbage")
        archive.writestr("weights/version", "3\n")
    with pytest.raises(WeightsError, match="not a whole PyTorch file"):
        read_source(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(content=st.binary(max_size=400), suffix=st.sampled_from([".pth", ".th", ".safetensors"]))
def test_any_bytes_are_refused(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        convert_weights(path)
    assert str(path) in str(caught.value)


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        convert_weights(tmp_path / "missing.pth")
    with pytest.raises(WeightsError, match=r"without model\.safetensors"):
        convert_weights(tmp_path)
    fifo = tmp_path / "pipe.pth"
    os.mkfifo(fifo)
    for path in (fifo, Path("/dev/zero")):
        with pytest.raises(WeightsError, match="not a regular file"):
            convert_weights(path)


def test_a_folder_of_shards_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(WeightsError, match="max_shard_size"):
        read_source(tmp_path)


def test_a_huge_or_deep_or_broken_config_is_refused(
    tmp_path: Path, state_dict: dict[str, torch.Tensor]
) -> None:
    save_state_dict(state_dict, tmp_path / "model.safetensors")
    config = tmp_path / "config.json"
    with config.open("wb") as file:
        file.truncate(1 << 40)  # sparse: a terabyte in name only
    with pytest.raises(WeightsError, match=f"at most {MAX_JSON_BYTES >> 20} MiB"):
        read_source(tmp_path)
    for content in ("[" * 100_000, "{", "[]", '"resnet"', "\x00"):
        config.write_text(content)
        with pytest.raises(WeightsError, match=r"config\.json is not"):
            read_source(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([1, 2], "a list, not a state dict"),
        (torch.zeros(2), "a Tensor, not a state dict"),
        ({}, "no tensors"),
        ({"epoch": 3}, "'epoch' is a int"),
        ({3: torch.zeros(2)}, "3 is a Tensor"),
        ({"weight": torch.zeros(2, 2).to_sparse()}, "dense"),
        ({"weight": torch.zeros(2, dtype=torch.int8)}, "unquantised"),
        ({"weight": torch.zeros(2, dtype=torch.complex64)}, "unquantised"),
    ],
)
def test_what_is_no_state_dict_is_refused(content: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(WeightsError, match=reason):
        read_source(path)


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model", "net", None])
def test_nested_state_dicts_are_found(
    wrapper: str | None, tmp_path: Path, state_dict: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "weights.pth"
    torch.save({wrapper: state_dict, "epoch": 3} if wrapper else state_dict, path)
    source = read_source(path)
    assert source.wrapper == wrapper
    assert list(source.tensors) == list(state_dict)


def test_a_tensor_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    tensors = build_classifier("resnet20").network.state_dict()
    tensors["fc.weight"] = torch.zeros(1).expand(1 << 20, 1 << 20)
    path = save_state_dict(tensors, tmp_path / "weights.pth")
    with pytest.raises(
        WeightsError, match=r"claims tensors of 4,398,0.* bytes, more than the whole file"
    ):
        convert_weights(path, origin="plain", network="resnet20", mean=[0] * 3, std=[1] * 3)


def test_an_archive_that_spans_disks_is_refused(
    tmp_path: Path, state_dict: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(state_dict, path)
    content = bytearray(path.read_bytes())
    locator = content.rfind(b"PK\x06\x07")
    if locator < 0:
        # Of its own PyTorch writes none: one in front of the end of the directory.
        locator = content.rfind(b"PK\x05\x06")
        content[locator:locator] = b"PK\x06\x07" + bytes(16)
    content[locator + 16] = 2
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.pth"):
        read_source(path)
