"""One update against the formulas of SGD with momentum, written out."""

import torch
import torch.nn.functional as F

from reslab.networks.catalogue import find_network
from reslab.networks.resnet import build_network
from reslab.training.recipe import Recipe
from reslab.training.step import build_optimizer, set_learning_rate, take_step


def test_three_steps_are_the_formula() -> None:
    config = find_network("resnet8", width=4, in_channels=1, input_size=8)
    ours, theirs = build_network(config).train(), build_network(config).train()
    recipe = Recipe(steps=3)
    optimizer = build_optimizer(ours, recipe)
    momentum = [torch.zeros_like(p) for p in theirs.parameters()]
    for rate in (0.1, 0.1, 0.01):
        inputs, labels = torch.randn(6, 1, 8, 8), torch.randint(0, 10, (6,))
        set_learning_rate(optimizer, rate)
        loss, wrong = take_step(ours, optimizer, inputs, labels, recipe)
        logits = theirs(inputs)
        expected = F.cross_entropy(logits, labels)
        gradients = torch.autograd.grad(expected, list(theirs.parameters()))
        with torch.no_grad():
            for parameter, gradient, m in zip(
                theirs.parameters(), gradients, momentum, strict=True
            ):
                m.mul_(0.9).add_(gradient + 1e-4 * parameter)
                parameter.sub_(rate * m)
        torch.testing.assert_close(loss, expected.detach())
        assert int(wrong) == int((logits.argmax(dim=1) != labels).sum())
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)
