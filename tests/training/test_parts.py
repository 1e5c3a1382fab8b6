"""A batch in parts: the mean of the parts' gradients, statistics of each, kept of the first."""

import torch
import torch.nn.functional as F
from torch import nn

from reslab.networks.catalogue import find_network
from reslab.networks.resnet import ResNet, build_network
from reslab.training.recipe import Recipe
from reslab.training.step import build_optimizer, take_step


def build() -> ResNet:
    return build_network(find_network("resnet8", width=4, in_channels=1, input_size=8)).train()


def test_parts_are_the_mean_of_their_gradients() -> None:
    ours, theirs = build(), build()
    inputs, labels = torch.randn(12, 1, 8, 8), torch.randint(0, 10, (12,))
    before = [p.detach().clone() for p in theirs.parameters()]
    recipe = Recipe(
        steps=1, batch_size=12, batch_parts=3, learning_rate=0.5, momentum=0.0, weight_decay=0.0
    )
    loss, wrong = take_step(ours, build_optimizer(ours, recipe), inputs, labels, recipe)

    pieces = list(zip(inputs.chunk(3), labels.chunk(3), strict=True))
    logits = [theirs(piece) for piece, _ in pieces]
    losses = [F.cross_entropy(z, y) for z, (_, y) in zip(logits, pieces, strict=True)]
    expected = torch.stack(losses).mean()
    gradients = torch.autograd.grad(expected, list(theirs.parameters()))
    torch.testing.assert_close(loss, expected.detach())
    assert int(wrong) == int((torch.cat(logits).argmax(dim=1) != labels).sum())
    for parameter, start, gradient in zip(ours.parameters(), before, gradients, strict=True):
        torch.testing.assert_close(parameter.detach(), start - 0.5 * gradient)


def test_running_statistics_are_those_of_the_first_part() -> None:
    ours, first_only = build(), build()
    inputs, labels = torch.randn(12, 1, 8, 8), torch.randint(0, 10, (12,))
    recipe = Recipe(steps=1, batch_parts=2)
    take_step(ours, build_optimizer(ours, recipe), inputs, labels, recipe)
    first_only(inputs[:6])
    for (name, ours_kept), theirs_kept in zip(
        ours.named_buffers(), first_only.buffers(), strict=True
    ):
        assert torch.equal(ours_kept, theirs_kept), name


def test_one_part_is_the_whole_batch_but_two_are_not() -> None:
    network: nn.Module = build()
    inputs, labels = torch.randn(12, 1, 8, 8), torch.randint(0, 10, (12,))
    losses = []
    for parts in (1, 2):
        net, recipe = build(), Recipe(steps=1, batch_parts=parts)
        losses.append(take_step(net, build_optimizer(net, recipe), inputs, labels, recipe)[0])
    whole = F.cross_entropy(network(inputs), labels).detach()
    assert torch.equal(losses[0], whole)
    assert not torch.isclose(losses[1], whole, rtol=1e-5)
