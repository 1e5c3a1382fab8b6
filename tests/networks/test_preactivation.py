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
    torch.testing.assert_close(outputs[0], x)
    torch.testing.assert_close(outputs[1], torch.relu(block.residual_function(x, None)))


@pytest.mark.parametrize(
    ("shortcut", "of_x", "of_f"), [("scaled", 0.5, 1), ("scaled-both", 0.5, 0.5), ("A", 1, 1)]
)
def test_constant_scaling_is_the_formula_of_table_1(
    shortcut: str, of_x: float, of_f: float
) -> None:
    block = block_of(small("resnet14", shortcut=shortcut))
    x = torch.rand(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    expected = torch.relu(of_x * x + of_f * block.residual_function(x, None))
    torch.testing.assert_close(block(x), expected)


def test_where_dimensions_change_the_shortcut_takes_the_activated_signal() -> None:
    block: Any = small("preresnet14").eval().get_submodule("layer2.0")
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    activated = torch.relu(block.bn1(x))
    f = block.conv2(torch.relu(block.bn2(block.conv1(activated))))
    torch.testing.assert_close(block(x), f + block.downsample(activated))


@pytest.mark.parametrize("name", ["preresnet14", "preresnet20-bottleneck"])
def test_every_bn_is_followed_by_a_relu_from_the_stem_to_the_end(name: str) -> None:
    network = small(name).eval()
    seen: dict[str, torch.Tensor] = {}
    for key, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(lambda _m, _i, out, key=key: seen.update({key: out}))
    logits, responses = network(images(), return_responses=True)
    recorded = {key: value for key, value in responses.items() if "downsample" not in key}
    # The stem's own stands for the first block's.
    assert list(recorded)[:2] == ["bn1", "layer1.0.bn2"]
    assert list(recorded)[-1] == "bn_last"
    assert list(recorded) == list(seen)
    assert all(torch.equal(recorded[key], seen[key]) for key in seen)
    pooled = torch.relu(recorded["bn_last"]).mean(dim=(2, 3))
    torch.testing.assert_close(network.fc(pooled), logits)
    torch.testing.assert_close(network(images()), logits)
