import pytest
import torch
from torch import nn

from reslab.analysis.identity import (
    compare_with_identity,
    measure_identity,
    measure_untrained_identity,
)
from reslab.analysis.stacks import (
    CHECK_EVERY,
    GOAL,
    build_stack,
    make_target,
    measure_stack,
    relative_loss,
)
from reslab.data.seeds import derive_seed
from reslab.networks.blocks import BasicBlock
from reslab.networks.deepen import make_identity
from reslab.networks.initialisation import initialise_he
from reslab.networks.resnet import build_network
from tests.analysis.conftest import SmallSubject, first_images


def test_a_block_that_computes_nothing_is_the_identity(residual: SmallSubject) -> None:
    block = residual.classifier.network.get_submodule("layer1.1")
    assert isinstance(block.bn2, nn.BatchNorm2d)
    nn.init.zeros_(block.bn2.weight)
    nn.init.zeros_(block.bn2.bias)
    inputs = residual.classifier.preprocessing(first_images(residual, 30).images)
    with torch.inference_mode():
        found = compare_with_identity(residual.classifier.network, inputs)
    place = found["blocks"].index("layer1.1")
    assert found["distance"][place] == 0
    assert found["residual"][place] == 0
    assert found["cosine"][place] == pytest.approx(1, abs=1e-5)
    assert min(found["distance"][:place]) > 0.01


def test_images_that_leave_nothing_before_a_block_do_not_count(residual: SmallSubject) -> None:
    network = residual.classifier.network
    nn.init.zeros_(network.conv1.weight)
    nn.init.ones_(network.conv1.weight[:1])
    network.bn1.reset_parameters()
    network.bn1.reset_running_stats()
    channels = network.conv1.in_channels
    bright, dark = torch.ones(1, channels, 8, 8), -torch.ones(1, channels, 8, 8)
    with torch.inference_mode():
        expected = compare_with_identity(network, bright)
        found = compare_with_identity(network, torch.cat([bright, dark]))
        of_none = compare_with_identity(network, dark)
    assert (found["distance"][0], found["residual"][0]) == pytest.approx(
        (expected["distance"][0], expected["residual"][0])
    )
    assert (of_none["distance"][0], of_none["residual"][0]) == (0, 0)


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


def test_the_untrained_net_has_the_first_weights_and_leaves_the_trained_one_alone(
    residual: SmallSubject,
) -> None:
    before = {k: v.clone() for k, v in residual.classifier.network.state_dict().items()}
    values = measure_untrained_identity(residual, images=30)
    network = build_network(residual.classifier.network.config, derive_seed(0, "weights")).train()
    images = residual.dataset.test.select(torch.linspace(0, 363, 30).long()).images
    with torch.inference_mode():
        expected = compare_with_identity(network, residual.classifier.preprocessing(images))
    assert values["distance"] == expected["distance"]
    assert values["distance"] != measure_identity(residual, images=30)["distance"]
    after = residual.classifier.network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert not residual.classifier.network.training


@pytest.mark.parametrize("seed", range(3))
def test_the_goal_is_out_of_reach_of_the_identity_alone_where_there_is_a_perturbation(
    seed: int,
) -> None:
    torch.manual_seed(seed)
    x = torch.randn(64, 8, 8, 8).abs()
    perturb = nn.Conv2d(8, 8, 3, padding=1, bias=False)
    initialise_he(perturb)
    assert relative_loss(x, make_target(x, perturb, 0.3)) > 1.5 * GOAL


def test_a_plain_stack_can_reach_the_goal_in_training_mode() -> None:
    stack = build_stack("none", 4)
    for block in stack:
        assert isinstance(block, BasicBlock)
        make_identity(block)
        for norm in (block.bn1, block.bn2):
            # |N(0, 1)| has the mean √(2/π) and the variance 1 − 2/π.
            nn.init.constant_(norm.weight, (1 - 2 / torch.pi) ** 0.5)
            nn.init.constant_(norm.bias, (2 / torch.pi) ** 0.5)
    x = torch.randn(32, 8, 8, 8, generator=torch.Generator().manual_seed(0)).abs()
    assert relative_loss(stack.train()(x), x) < GOAL / 4


def test_one_residual_block_learns_the_identity_before_one_plain_block(
    plain: SmallSubject,
) -> None:
    def learn(shortcut: str, rates: tuple[float, ...] = (0.03, 0.1)) -> list[dict[str, object]]:
        values = measure_stack(
            plain,
            shortcut=shortcut,
            blocks=1,
            perturbation=0.0,
            seed=0,
            learning_rates=rates,
            max_steps=100,
        )
        tries: list[dict[str, object]] = values["tries"]
        return tries

    residual_tries = learn("A")
    for one in residual_tries:
        losses, steps = one["losses"], one["steps"]
        assert isinstance(losses, list)
        assert losses[-1] < GOAL <= min(losses[:-1])
        assert steps == CHECK_EVERY * (len(losses) - 1)
    assert [one["steps"] for one in learn("none")] == [None, None]
    assert learn("A", (0.1,)) == residual_tries[1:]
