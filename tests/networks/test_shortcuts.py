import pytest
import torch
from torch import nn

from reslab.errors import ConfigError
from reslab.networks.shortcuts import Projection, build_shortcut, register_shortcut


@pytest.mark.parametrize("name", ["A", "A-split", "B"])
def test_identity_where_dimensions_agree(name: str) -> None:
    shortcut = build_shortcut(name, 8, 8, 1)
    x = torch.randn(2, 8, 5, 5)
    assert shortcut is not None
    assert torch.equal(shortcut(x), x)
    assert not list(shortcut.parameters())


@pytest.mark.parametrize(("name", "before"), [("A", 0), ("A-split", 4)])
def test_option_a_subsamples_and_pads_with_zeros(name: str, before: int) -> None:
    shortcut = build_shortcut(name, 8, 16, 2)
    assert shortcut is not None
    x = torch.randn(2, 8, 7, 7)
    y = shortcut(x)
    assert y.shape == (2, 16, 4, 4)
    assert torch.equal(y[:, before : before + 8], x[:, :, ::2, ::2])
    rest = [c for c in range(16) if not before <= c < before + 8]
    assert not y[:, rest].any()
    assert not shortcut.state_dict()


def test_option_c_projects_even_where_dimensions_agree() -> None:
    assert isinstance(build_shortcut("C", 8, 8, 1), Projection)
    assert isinstance(build_shortcut("B", 8, 16, 2), Projection)


def test_a_projection_is_a_matrix_at_every_second_pixel() -> None:
    shortcut = build_shortcut("B", 3, 5, 2)
    assert isinstance(shortcut, Projection)
    shortcut.eval()
    x = torch.randn(1, 3, 6, 6)
    weight = shortcut[0].weight
    assert isinstance(weight, torch.Tensor)
    expected = torch.einsum("oc,bchw->bohw", weight[:, :, 0, 0], x[:, :, ::2, ::2])
    # BN at its initial statistics divides by √(1 + ε).
    torch.testing.assert_close(shortcut(x), expected / (1 + 1e-5) ** 0.5)


def test_plain_blocks_have_none() -> None:
    assert build_shortcut("none", 8, 16, 2) is None


def test_unknown_and_taken_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="choose one of none, A, A-split, B, C"):
        build_shortcut("D", 8, 8, 1)
    with pytest.raises(ConfigError, match="exists already"):
        register_shortcut("A")(lambda _in, _out, _stride: nn.Identity())
