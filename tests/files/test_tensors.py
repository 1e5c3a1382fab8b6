from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from reslab.errors import WeightsError
from reslab.files.tensors import read_tensors, write_tensors

TENSORS = {
    "a": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "empty": torch.zeros(0),
    "scalar": torch.tensor(7),
    "view": torch.arange(8).reshape(2, 4).T,
}


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    digest = write_tensors(path, TENSORS, {"step": 3})
    tensors, document = read_tensors(path)
    assert document == {"step": 3, "digest": digest}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    write_tensors(path, TENSORS, {"step": 3})
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(WeightsError, match=r"file\.safetensors"):
            read_tensors(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "file.safetensors"
    write_tensors(path, TENSORS, {"step": 3})
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        tensors, document = read_tensors(path)
    except WeightsError:
        return
    assert document["step"] == 3
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_other_files_are_named(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    with pytest.raises(WeightsError, match="reslab convert"):
        read_tensors(foreign)
    with pytest.raises(WeightsError, match="no such file"):
        read_tensors(tmp_path / "absent")
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        read_tensors(tmp_path)
