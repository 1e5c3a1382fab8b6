"""In a profile every moment is counted once, and every layer is found in both directions."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reslab.cli.train_profile import print_profile
from reslab.data.config import DataConfig
from reslab.errors import ConfigError, RunError
from reslab.networks.complexity import describe_network
from reslab.networks.weights import load
from reslab.training.loop import train
from reslab.training.plan import plan_network, plan_run
from reslab.training.profiling import Profile, profile_run
from reslab.training.run_config import ExecutionConfig

DIGITS = DataConfig(name="digits")
CONFIG = plan_run(
    plan_network("resnet8", DIGITS, shortcut="B", width=8),
    DIGITS,
    steps=4,
    execution=ExecutionConfig(device="cpu", threads=1),
    recipe_changes={"batch_size": 64},
)


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return profile_run(CONFIG, tmp_path_factory.mktemp("profile"), steps=3)


def test_the_shares_are_the_whole_of_the_time(profile: Profile) -> None:
    for shares in (profile.by_kind, profile.by_layer):
        assert sum(share.pct for share in shares) == pytest.approx(100)
        total_ms = sum(share.forward_ms + share.backward_ms for share in shares)
        # The clock around the steps sees in addition what the profiler does at the ends of each.
        assert 0.7 * profile.profiled_step_ms < total_ms <= profile.profiled_step_ms


def test_every_layer_has_its_forward_and_backward_pass(profile: Profile) -> None:
    shares = {share.name: share for share in profile.by_layer}
    for layer in describe_network(CONFIG.network).layers:
        assert shares[layer.name].forward_ms > 0
        assert shares[layer.name].backward_ms > 0
        assert (shares[layer.name].gmacs_per_second is not None) == (layer.macs > 0)
    # A block's own row is its ReLU and its addition.
    assert shares["layer1.0"].backward_ms > 0


def test_the_backward_pass_of_a_layer_is_its_own(profile: Profile) -> None:
    kinds = {share.name: share for share in profile.by_kind}
    of_type = {layer.name: layer.type for layer in describe_network(CONFIG.network).layers}
    for kind in ("conv", "batch_norm"):
        backward_ms = [s.backward_ms for s in profile.by_layer if of_type.get(s.name) == kind]
        assert sum(backward_ms) == pytest.approx(kinds[kind].backward_ms)
    assert {"optimiser", "loss", "data and augmentation", "relu", "addition"} <= kinds.keys()
    assert kinds["data and augmentation"].backward_ms == 0


def test_the_rate_follows_from_macs_and_time(profile: Profile) -> None:
    macs = {layer.name: layer.macs for layer in describe_network(CONFIG.network).layers}
    (share,) = (s for s in profile.by_layer if s.name == "layer2.0.conv1")
    seconds = (share.forward_ms + share.backward_ms) / 1000
    assert share.gmacs_per_second == pytest.approx(3 * 64 * macs[share.name] / seconds / 1e9)


def test_what_is_written_can_be_read(profile: Profile) -> None:
    stored = json.loads((profile.trace.parent / "profile.json").read_text())
    assert stored == json.loads(json.dumps(profile.to_document()))
    assert stored["trace"] == "trace.json.gz"
    with gzip.open(profile.trace) as file:
        names = [event.get("name") for event in json.load(file)["traceEvents"]]
    assert names.count("reslab.step") == 3
    assert names.count("reslab.layer:layer3.0.conv2") == 3


def test_the_tables_name_layers_and_kinds(
    profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    print_profile(profile)
    printed = capsys.readouterr().out
    assert all(share.name in printed for share in (*profile.by_layer, *profile.by_kind))
    assert str(profile.trace) in printed


def test_a_run_after_it_has_the_bits_of_one_without(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    profile_run(CONFIG, tmp_path / "run" / "profile", steps=1)
    assert torch.equal(torch.rand(2), expected)
    for name in ("run", "other"):
        train(CONFIG, tmp_path / name)
    a, b = (load(tmp_path / n / "weights.safetensors").state_dict() for n in ("run", "other"))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_plain_nets_and_option_a(tmp_path: Path) -> None:
    for name, kinds in (("plain8", set()), ("resnet8", {"addition", "zero_padding"})):
        config = replace(CONFIG, network=plan_network(name, DIGITS, width=4))
        found = {share.name for share in profile_run(config, tmp_path / name, steps=1).by_kind}
        assert found & {"addition", "zero_padding"} == kinds


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        profile_run(CONFIG, tmp_path, steps=0)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write"):
        profile_run(CONFIG, tmp_path / "file" / "profile", steps=1)
