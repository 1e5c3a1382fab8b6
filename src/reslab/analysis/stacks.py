"""Small stacks of layers asked to learn the identity, or something close to it (§3.1)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reslab.analysis.subject import Subject
from reslab.data.seeds import derive_seed
from reslab.networks.blocks import BasicBlock
from reslab.networks.initialisation import initialise_he

CHANNELS, SIZE, BATCH_SIZE = 8, 8, 32
LEARNING_RATE, MOMENTUM = 0.01, 0.9
CHECK_EVERY = 10
GOAL = 0.1
"""Loss at which a stack has learned."""


def measure_stack(
    subject: Subject, *, shortcut: str, blocks: int, perturbation: float, seed: int, max_steps: int
) -> dict[str, Any]:
    """Steps that a stack of blocks needs to learn H(x) = x + ε g(x) to a given loss.

    x is |N(0, 1)| of 8 channels and 8×8 places, as behind a ReLU; g a fixed random 3×3 convolution
    with ReLU, scaled to the deviation of x. The loss is the mean square of H − target over the mean
    square of the target, on fresh batches of 32; SGD with momentum 0.9, learning rate 0.01.

    Args:
        subject: whose device is used; no net of it is.
        shortcut: `none` for a plain stack, `A` for a residual one; nothing else differs.
        blocks: basic blocks with BN, of two layers each.
        perturbation: ε.
        seed: of weights, g and x.
        max_steps: when to give up.

    Returns:
        `steps` to a loss of `GOAL` (None if not reached) and the `losses` at every tenth step.
    """
    device = subject.device
    generator = torch.Generator().manual_seed(derive_seed(seed, "stack"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "stack weights"))
        stack = build_stack(shortcut, blocks).to(device).train()
        perturb = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
        initialise_he(perturb)
    optimizer = torch.optim.SGD(stack.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    losses = []
    for step in range(max_steps):
        x = torch.randn(BATCH_SIZE, CHANNELS, SIZE, SIZE, generator=generator).abs()
        target = make_target(x, perturb, perturbation).to(device)
        loss = F.mse_loss(stack(x.to(device)), target) / target.square().mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % CHECK_EVERY == 0:
            losses.append(float(loss.detach()))
            if losses[-1] < GOAL:
                return {"steps": step, "losses": losses}
    return {"steps": None, "losses": losses}


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
