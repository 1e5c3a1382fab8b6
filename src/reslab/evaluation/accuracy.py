"""Error and loss of a network on a labelled set, in evaluation mode."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from reslab.data.dataset import LabelledImages


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """What a pass over a labelled set found."""

    n: int
    """Images."""
    wrong: int
    """Images whose largest logit is not their label's; a NaN among the logits counts as wrong."""
    loss: float
    """Mean cross-entropy."""

    @property
    def error_pct(self) -> float:
        """Top-1 error in percent."""
        return 100 * self.wrong / self.n


def compute_accuracy(
    classify: Callable[[Tensor], Tensor], data: LabelledImages, batch_size: int = 500
) -> Accuracy:
    """Pass over a labelled set once.

    Args:
        classify: uint8 images [B, C, H, W] to logits [B, num_classes]; in evaluation mode.
        data: on the device that `classify` computes on.
        batch_size: images at a time; the result does not depend on it beyond rounding.
    """
    device = data.images.device
    wrong = torch.zeros((), dtype=torch.int64, device=device)
    # Single precision: not every device has double; the batches' means keep the sum exact enough.
    losses = []
    with torch.inference_mode():
        for start in range(0, len(data), batch_size):
            labels = data.labels[start : start + batch_size]
            logits = classify(data.images[start : start + batch_size])
            failed = logits.isnan().any(dim=1)
            wrong += ((logits.argmax(dim=1) != labels) | failed).sum()
            losses.append(F.cross_entropy(logits, labels, reduction="sum"))
    # One wait for the device, at the end.
    return Accuracy(
        n=len(data),
        wrong=int(wrong),
        loss=float(torch.stack(losses).cpu().double().sum()) / len(data),
    )
