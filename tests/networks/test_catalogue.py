import pytest
from hypothesis import given
from hypothesis import strategies as st

from reslab.errors import ConfigError
from reslab.networks.catalogue import cifar_name, find_network, list_networks


@given(st.integers(1, 250), st.sampled_from(["plain", "resnet"]))
def test_every_6n_plus_2_is_a_network(n: int, kind: str) -> None:
    config = find_network(cifar_name(kind, 6 * n + 2))
    assert config.blocks_per_stage == (n, n, n)
    assert config.stage_widths == (16, 32, 64)
    assert config.family == ("plain" if kind == "plain" else "residual")


@given(st.integers(3, 2000).filter(lambda depth: (depth - 2) % 6 and depth not in (18, 34, 101)))
def test_other_depths_are_refused_with_the_nearest(depth: int) -> None:
    below = max(8, (depth - 2) // 6 * 6 + 2)
    with pytest.raises(ConfigError, match=f"{below} and {below + 6}"):
        find_network(f"resnet{depth}")


def test_the_imagenet_names_win_over_6n_plus_2() -> None:
    assert find_network("resnet50").stem == "imagenet"
    assert find_network("cifar-resnet50").stem == "cifar"
    assert cifar_name("resnet", 50) == "cifar-resnet50"
    assert cifar_name("resnet", 56) == "resnet56"


def test_the_stride_of_a_bottleneck_goes_by_name() -> None:
    assert find_network("resnet50").block == "bottleneck"
    assert find_network("resnet50-v1.5").block == "bottleneck-v1.5"


@pytest.mark.parametrize("name", list_networks())
def test_every_listed_name_is_found(name: str) -> None:
    assert find_network(name).name == name


@pytest.mark.parametrize(
    "name", ["renset20", "resnet", "resnet020", "resnet18-v1.5", "", "plain-1"]
)
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no network called"):
        find_network(name)


def test_a_plain_net_takes_no_shortcut() -> None:
    with pytest.raises(ConfigError, match="take resnet20"):
        find_network("plain20", shortcut="A")


@pytest.mark.parametrize("option", ["width", "num_classes", "input_size"])
def test_sizes_must_be_positive(option: str) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        find_network("resnet20", **{option: 0})  # type: ignore[arg-type]


def test_what_no_machine_could_build_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="at most 10,000 blocks"):
        find_network("resnet599996")
    with pytest.raises(ConfigError, match="sizes of 1,048,576 are built"):
        find_network("resnet20", width=10**9)
