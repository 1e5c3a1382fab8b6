"""Sharing, against local folders only."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from reslab.errors import WeightsError
from reslab.networks.catalogue import find_network
from reslab.networks.hub import SharedClassifier, from_pretrained, save_pretrained
from reslab.networks.weights import load, save
from tests.networks.conversion.samples import build_classifier

ROOT = Path(__file__).parents[2]


def test_a_shared_folder_gives_the_same_classifier(tmp_path: Path) -> None:
    original = build_classifier("resnet20")
    save_pretrained(original, tmp_path / "shared")
    shared = from_pretrained(tmp_path / "shared")
    images = torch.randint(0, 256, (2, 3, 32, 32))
    with torch.inference_mode():
        assert torch.equal(shared(images), original(images))
    assert shared.class_names == original.class_names
    # What lies there is the one file, a configuration for the Hub, and a card.
    assert torch.equal(
        load(tmp_path / "shared" / "model.safetensors").network.fc.bias, original.network.fc.bias
    )
    assert json.loads((tmp_path / "shared" / "config.json").read_text())["name"] == "resnet20"
    card = (tmp_path / "shared" / "README.md").read_text()
    assert "library_name: reslab" in card
    assert "resnet20" in card
    assert "image-classification" in card
    assert isinstance(SharedClassifier.from_pretrained(tmp_path / "shared"), SharedClassifier)


def test_a_damaged_or_missing_share_is_an_error(tmp_path: Path) -> None:
    save_pretrained(build_classifier("resnet20"), tmp_path / "shared")
    weights = tmp_path / "shared" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    with pytest.raises(WeightsError, match="not a whole"):
        from_pretrained(tmp_path / "shared")
    for name in ("nobody/nothing", "not/a/name", ""):
        with pytest.raises(WeightsError, match="cannot get"):
            from_pretrained(name, local_files_only=True, cache_dir=tmp_path)


def test_reslab_needs_no_hub_and_says_what_sharing_needs() -> None:
    program = """
import sys
sys.modules["huggingface_hub"] = None
import reslab
from reslab.networks.conversion.convert import convert_weights
reslab.build_network(reslab.find_network("resnet20"))
try:
    import reslab.networks.hub
except reslab.ReslabError as error:
    print(error)
assert "transformers" not in sys.modules
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "reslab[hub]" in result.stdout


def load_from_hub(entry: str, *arguments: str, **options: Any) -> Any:
    return torch.hub.load(str(ROOT), entry, *arguments, source="local", **options)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("entry", "name"),
    [("resnet20", "resnet20"), ("plain18", "plain18"), ("resnet50_v1_5", "resnet50-v1.5")],
)
def test_torch_hub_has_an_entry_for_each_network(entry: str, name: str) -> None:
    network = load_from_hub(entry, num_classes=7, width=4)
    assert network.config == find_network(name, num_classes=7, width=4)


def test_torch_hub_builds_any_name_and_loads_weights(tmp_path: Path) -> None:
    network = load_from_hub("network", "cifar-resnet50", shortcut="B")
    assert network.config == find_network("cifar-resnet50", shortcut="B")
    save(build_classifier("plain20"), tmp_path / "weights.safetensors")
    classifier = load_from_hub("load", str(tmp_path / "weights.safetensors"))
    assert classifier.network.config.name == "plain20"
    assert not classifier.training


def test_hubconf_finds_reslab_in_a_copy_that_is_not_installed(tmp_path: Path) -> None:
    program = f"""
import sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
sys.path = [entry for entry in sys.path if not entry.endswith("src")]
from importlib.util import find_spec
assert find_spec("reslab") is None, "the test must hide the installed package"
import torch
print(torch.hub.load({str(ROOT)!r}, "plain20", source="local").config.name)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    if "must hide" in result.stderr:
        pytest.skip("reslab is installed in a way that cannot be hidden")
    assert result.stdout.strip() == "plain20", result.stderr
