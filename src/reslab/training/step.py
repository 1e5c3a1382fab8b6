"""One update of the weights: forward, backward, update."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reslab.training.recipe import Recipe


def build_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """SGD with momentum; weight decay on what `recipe.decayed` says."""
    parameters = list(network.parameters())
    # BN's γ and β and the linear layer's bias are the parameters of one dimension.
    spared = [p for p in parameters if recipe.decayed == "weights" and p.dim() == 1]
    decayed = [p for p in parameters if recipe.decayed == "all" or p.dim() > 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}]
    if spared:
        groups.append({"params": spared, "weight_decay": 0.0})
    return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, fused=True)


def take_step(
    network: nn.Module, optimizer: torch.optim.SGD, inputs: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Update the weights once on one batch.

    Args:
        network: in training mode.
        optimizer: with the learning rate of this step.
        inputs: [B, C, H, W], float, preprocessed and augmented.
        labels: [B], int64.

    Returns:
        Mean loss and number of wrong answers over the batch, before the update; scalars on the
        network's device, so that nothing waits for them.
    """
    logits = network(inputs)
    loss = F.cross_entropy(logits, labels)
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimizer.step()
    with torch.no_grad():
        wrong = (logits.argmax(dim=1) != labels).sum()
    return loss.detach(), wrong


def set_learning_rate(optimizer: torch.optim.SGD, learning_rate: float) -> None:
    """Give every group of parameters this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
