"""One update of the weights: forward, backward, update."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reslab.training.gradients import summing
from reslab.training.precision import autocast
from reslab.training.ranks import ALONE, Ranks
from reslab.training.recipe import Recipe


def build_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """SGD with momentum; weight decay on what `recipe.decayed` says.

    Its learning rate is a tensor on the network's device, one for all groups, so that a recorded
    step reads the present one. Of PyTorch's updates only the fused one does so without waiting.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    learning_rate = torch.tensor(recipe.learning_rate, device=parameters[0].device)
    # BN's γ and β and the linear layer's bias are the parameters of one dimension.
    spared = [p for p in parameters if recipe.decayed == "weights" and p.dim() == 1]
    decayed = [p for p in parameters if recipe.decayed == "all" or p.dim() > 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}]
    if spared:
        groups.append({"params": spared, "weight_decay": 0.0})
    optimizer = torch.optim.SGD(groups, lr=learning_rate, momentum=recipe.momentum, fused=True)
    for parameter in parameters:
        # From zero the first update is that of SGD, and every update the same operations.
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def take_step(
    network: nn.Module,
    optimizer: torch.optim.SGD,
    inputs: Tensor,
    labels: Tensor,
    recipe: Recipe,
    ranks: Ranks = ALONE,
) -> tuple[Tensor, Tensor]:
    """Update the weights once on one batch, the same on every rank.

    The batch is split into `recipe.batch_parts`, each normalised by its own BN statistics; the
    update takes the mean of their gradients. The running statistics follow the first part.

    Args:
        network: in training mode; with several ranks it sums gradients over them
            (`gradients.share_gradients`), and BN statistics where they share a part
            (`synchronised_norm`).
        optimizer: with the learning rate of this step.
        inputs: [B, C, H, W], float, preprocessed and augmented; this rank's share of the batch.
        labels: [B], int64.
        recipe: parts, precision, label smoothing.
        ranks: who shares the batch: whole parts each, or each part among some of them.

    Returns:
        Mean loss and number of wrong answers over the batch, before the update; scalars on the
        network's device, so that nothing waits for them.
    """
    optimizer.zero_grad(set_to_none=True)
    loss, wrong = inputs.new_zeros(()), inputs.new_zeros(())
    parts = recipe.batch_parts
    count = ranks.count_pieces(parts)
    pieces = zip(inputs.chunk(count), labels.chunk(count), strict=True)
    for i, (piece, piece_labels) in enumerate(pieces):
        follow = i == 0 and ranks.rank < ranks.count_sharers(parts)
        with running_statistics(network, follow=follow), summing(network, last=i == count - 1):
            piece_loss, piece_wrong = add_gradients(
                network, piece, piece_labels, recipe, max(parts, ranks.size)
            )
        loss += piece_loss
        wrong += piece_wrong
    ranks.add_up([loss, wrong])
    optimizer.step()
    return loss, wrong.long()


def add_gradients(
    network: nn.Module, inputs: Tensor, labels: Tensor, recipe: Recipe, pieces: int
) -> tuple[Tensor, Tensor]:
    """Add the gradient of a piece's share of the batch's mean loss to the parameters' own.

    Args:
        network: as of `take_step`.
        inputs: of one piece.
        labels: of the same.
        recipe: precision, label smoothing.
        pieces: of the batch, on all ranks together.

    Returns:
        That share of the loss, and the number of wrong answers.
    """
    with autocast(recipe.precision, inputs.device):
        logits = network(inputs)
        loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
        loss = loss / pieces
    torch.autograd.backward(loss)
    with torch.no_grad():
        wrong = (logits.argmax(dim=1) != labels).sum()
    return loss.detach(), wrong


def set_learning_rate(optimizer: torch.optim.SGD, learning_rate: float | Tensor) -> None:
    """Give all parameters this learning rate; a tensor ([]) is read where it lies."""
    rate: Tensor = optimizer.param_groups[0]["lr"]
    rate.fill_(learning_rate)


@contextmanager
def running_statistics(network: nn.Module, *, follow: bool) -> Iterator[None]:
    """Let BN's running statistics follow what the network sees within, or put them back after."""
    kept = [] if follow else [(buffer, buffer.clone()) for buffer in network.buffers()]
    yield
    for buffer, value in kept:
        buffer.copy_(value)
