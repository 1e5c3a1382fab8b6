"""Small stacks of layers asked to learn the identity, or something close to it (§3.1)."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reslab.analysis.subject import Subject
from reslab.data.seeds import derive_seed
from reslab.networks.blocks import BasicBlock
from reslab.networks.initialisation import initialise_he

CHANNELS, SIZE, BATCH_SIZE = 8, 8, 32
MOMENTUM = 0.9
CHECK_EVERY = 5
GOAL = 0.02
"""Loss at which a stack has learned; half of what passing x on costs at ε = 0.3."""


def measure_stack(
    subject: Subject,
    *,
    shortcut: str,
    blocks: int,
    perturbation: float,
    seed: int,
    learning_rates: Sequence[float],
    max_steps: int,
) -> dict[str, Any]:
    """Steps that a stack of blocks needs to learn H(x) = x + ε g(x) to a given loss.

    x is |N(0, 1)| of 8 channels and 8×8 places, as behind a ReLU; g a fixed random 3×3 convolution
    with ReLU, scaled to the deviation of x. The loss is the mean square of H − target over the mean
    square of the target, on fresh batches of 32; SGD with momentum 0.9. Each learning rate starts
    from the same weights and sees the same batches.

    Args:
        subject: whose device is used; no net of it is.
        shortcut: `none` for a plain stack, `A` for a residual one; nothing else differs.
        blocks: basic blocks with BN, of two layers each.
        perturbation: ε.
        seed: of weights, g and x.
        learning_rates: to try.
        max_steps: when to give up.

    Returns:
        `tries`: for each of the learning rates, `learning_rate`, the `steps` to a loss of `GOAL`
        (None if not reached) and the `losses` at every fifth step.
    """
    tries = []
    for rate in learning_rates:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "stack weights"))
            stack = build_stack(shortcut, blocks).to(subject.device).train()
            perturb = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
            initialise_he(perturb)
        generator = torch.Generator().manual_seed(derive_seed(seed, "stack"))
        losses = _learn(stack, perturb, perturbation, rate, max_steps, generator)
        steps = CHECK_EVERY * (len(losses) - 1) if losses[-1] < GOAL else None
        tries.append({"learning_rate": rate, "steps": steps, "losses": losses})
    return {"tries": tries}


def build_stack(shortcut: str, blocks: int) -> nn.Sequential:
    """Basic blocks of 8 channels, plain or residual, He-initialised."""
    stack = nn.Sequential(*(BasicBlock(CHANNELS, CHANNELS, 1, shortcut) for _ in range(blocks)))
    initialise_he(stack)
    return stack


@torch.no_grad()
def make_target(x: Tensor, perturb: nn.Conv2d, perturbation: float) -> Tensor:
    """Add ε g(x) to x, with g(x) scaled to the standard deviation of x."""
    if perturbation == 0:
        return x
    change = F.relu(perturb(x))
    return x + perturbation * change * (x.std() / change.std())


def relative_loss(output: Tensor, target: Tensor) -> Tensor:
    """Mean square of the difference over the target's mean square."""
    return F.mse_loss(output, target) / target.square().mean()


def _learn(
    stack: nn.Sequential,
    perturb: nn.Conv2d,
    perturbation: float,
    learning_rate: float,
    max_steps: int,
    generator: torch.Generator,
) -> list[float]:
    """Losses at every fifth step, up to the first below the goal."""
    device = next(stack.parameters()).device
    optimizer = torch.optim.SGD(stack.parameters(), lr=learning_rate, momentum=MOMENTUM)
    losses: list[float] = []
    for step in range(max_steps):
        x = torch.randn(BATCH_SIZE, CHANNELS, SIZE, SIZE, generator=generator).abs()
        target = make_target(x, perturb, perturbation).to(device)
        loss = relative_loss(stack(x.to(device)), target)
        if step % CHECK_EVERY == 0:
            losses.append(float(loss.detach()))
            if losses[-1] < GOAL:
                break
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return losses
