from typing import Any

import pytest
import torch
from torch import nn

from reslab.networks.catalogue import find_network, list_networks
from reslab.networks.complexity import describe_network
from reslab.networks.resnet import ResNet, build_network

ALTERED = ("scaled", "scaled-both", "gated", "gated-half", "gated-both", "dropout", "C-1x1")


def small(name: str, **options: str) -> ResNet:
    return build_network(find_network(name, width=4, **options))  # type: ignore[arg-type]


def block_of(network: ResNet) -> Any:
    """The second block, whose shortcut is the identity, in evaluation mode."""
    return network.eval().get_submodule("layer1.1")


def images(count: int = 4) -> torch.Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "layers", "params"),
    # He et al. 2016b: 1.7 million at 110 layers, 1.7 at 164 and 10.2 at 1001 with bottlenecks.
    [("preresnet110", 110, 1.7), ("preresnet164-bottleneck", 164, 1.7),
     ("preresnet1001-bottleneck", 1001, 10.2)],
)  # fmt: skip
def test_the_nets_of_the_second_paper_have_its_sizes(name: str, layers: int, params: float) -> None:
    description = describe_network(find_network(name))
    assert description.weighted_layers == layers
    # As printed, which counts a little less at 1001 layers (10.33 here).
    assert description.params / 1e6 == pytest.approx(params, rel=0.03)
    assert name in list_networks()


def test_a_signal_passes_an_identity_shortcut_untouched() -> None:
    network = small("preresnet14").eval()
    block = network.get_submodule("layer1.1")
    assert isinstance(block.conv2, nn.Conv2d)
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    # Negative values too: nothing comes behind the sum.
    assert torch.equal(block(x), x)


def test_the_unit_is_bn_relu_convolution_twice() -> None:
    block = block_of(small("preresnet14"))
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    inner = block.conv1(torch.relu(block.bn1(x)))
    expected = block.conv2(torch.relu(block.bn2(inner))) + x
    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize("shortcut", ALTERED)
def test_altered_shortcuts_train_and_differ_from_the_identity(shortcut: str) -> None:
    altered, plain = small("resnet14", shortcut=shortcut), small("resnet14")
    altered.train()(images()).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in altered.parameters())
    common = {k: v for k, v in plain.state_dict().items() if k in altered.state_dict()}
    altered.load_state_dict(common, strict=False)
    with torch.no_grad():
        # Dropout alone is the identity when evaluated.
        same = torch.allclose(altered.eval()(images()), plain.eval()(images()), atol=1e-6)
    assert same == (shortcut == "dropout")


def test_a_gate_that_is_open_or_closed_is_the_one_path_or_the_other() -> None:
    block = block_of(small("resnet14", shortcut="gated-both"))
    assert block.downsample is not None
    (gate,) = [m for m in block.downsample.modules() if isinstance(m, nn.Conv2d)]
    nn.init.zeros_(gate.weight)
    x = torch.rand(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    assert gate.bias is not None
    outputs = []
    for bias in (-30.0, 30.0):
        nn.init.constant_(gate.bias, bias)
        outputs.append(block(x))
    residual = torch.relu(block.residual_function(x, None))
    pairs = [torch.allclose(outputs[0], a) and torch.allclose(outputs[1], b)
             for a, b in ((x, residual), (residual, x))]  # fmt: skip
    assert any(pairs)
