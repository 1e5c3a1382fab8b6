import pytest
import torch
from torch import nn

from reslab.analysis.identity import compare_with_identity, measure_identity
from reslab.analysis.stacks import GOAL, build_stack, make_target, measure_stack
from tests.analysis.conftest import SmallSubject, first_images


def test_a_block_that_computes_nothing_is_the_identity(residual: SmallSubject) -> None:
    block = residual.classifier.network.get_submodule("layer1.1")
    assert isinstance(block.bn2, nn.BatchNorm2d)
    nn.init.zeros_(block.bn2.weight)
    nn.init.zeros_(block.bn2.bias)
    inputs = residual.classifier.preprocessing(first_images(residual, 30).images)
    with torch.inference_mode():
        found = compare_with_identity(residual.classifier, inputs)
    place = found["blocks"].index("layer1.1")
    assert found["distance"][place] == 0
    assert found["residual"][place] == 0
    assert found["cosine"][place] == pytest.approx(1, abs=1e-5)
    assert min(found["distance"][:place]) > 0.01


def test_blocks_that_change_the_shape_are_left_out(plain: SmallSubject) -> None:
    values = measure_identity(plain, images=20)
    assert values["blocks"] == ["layer1.0", "layer1.1", "layer2.1", "layer3.1"]
    assert (values["family"], values["depth"], values["images"]) == ("plain", 14, 20)


def test_the_target_is_the_input_but_for_a_change_of_known_size() -> None:
    x = torch.randn(16, 8, 8, 8, generator=torch.Generator().manual_seed(0)).abs()
    perturb = nn.Conv2d(8, 8, 3, padding=1, bias=False)
    assert make_target(x, perturb, 0.0) is x
    change = make_target(x, perturb, 0.1) - x
    torch.testing.assert_close(change.std(), 0.1 * x.std(), rtol=1e-4, atol=0)


def test_plain_and_residual_stacks_start_from_the_same_weights() -> None:
    states = []
    for shortcut in ("none", "A"):
        torch.manual_seed(0)
        states.append(build_stack(shortcut, 2).state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_one_residual_block_learns_the_identity_before_one_plain_block(
    plain: SmallSubject,
) -> None:
    options = {"blocks": 1, "perturbation": 0.0, "seed": 0, "max_steps": 200}
    residual_values = measure_stack(plain, shortcut="A", **options)  # type: ignore[arg-type]
    plain_values = measure_stack(plain, shortcut="none", **options)  # type: ignore[arg-type]
    assert residual_values["losses"][-1] < GOAL
    assert residual_values["steps"] < 200
    assert plain_values["steps"] is None
    assert measure_stack(plain, shortcut="A", **options) == residual_values  # type: ignore[arg-type]
