"""Error and loss of a network on a labelled set, in evaluation mode."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from reslab.data.dataset import LabelledImages
from reslab.errors import DataError


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


class AccuracySums:
    """Sums over the batches of a pass; nothing waits for the device before `totals`.

    Args:
        device: where the network computes.
    """

    def __init__(self, device: torch.device) -> None:
        self._count = 0
        self._wrong = torch.zeros((), dtype=torch.int64, device=device)
        # Single precision: not every device has double; the batches' sums keep the whole exact
        # enough.
        self._losses: list[Tensor] = []

    def add(self, classify: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> None:
        """Classify a batch.

        Args:
            classify: pixels [B, C, H, W] to logits [B, num_classes]; in evaluation mode.
            images: on the device.
            labels: [B], int64, there as well.
        """
        with torch.inference_mode():
            logits = classify(images)
            failed = logits.isnan().any(dim=1)
            self._wrong += ((logits.argmax(dim=1) != labels) | failed).sum()
            self._losses.append(F.cross_entropy(logits, labels, reduction="sum"))
            self._count += len(labels)

    def totals(self) -> Tensor:
        """Images, wrong ones and summed loss: [3], float64, on the CPU; counts are exact."""
        loss = torch.stack(self._losses).cpu().double().sum() if self._losses else 0.0
        return torch.tensor([self._count, int(self._wrong), float(loss)], dtype=torch.float64)


def summarise_totals(totals: Tensor) -> Accuracy:
    """The accuracy of a pass, from the `totals` of all that shared it added up.

    Raises:
        DataError: if no image was classified.
    """
    n, wrong, loss = totals.tolist()
    if not n:
        raise DataError("there is no image to evaluate on, or none could be read")
    return Accuracy(n=int(n), wrong=int(wrong), loss=loss / n)


def add_batches(
    classify: Callable[[Tensor], Tensor], data: LabelledImages, batch_size: int
) -> AccuracySums:
    """Pass over images in memory.

    Args:
        classify: uint8 images [B, C, H, W] to logits [B, num_classes]; in evaluation mode.
        data: on the device that `classify` computes on.
        batch_size: images at a time; the result does not depend on it beyond rounding.
    """
    sums = AccuracySums(data.images.device)
    for start in range(0, len(data), batch_size):
        end = start + batch_size
        sums.add(classify, data.images[start:end], data.labels[start:end])
    return sums


def compute_accuracy(
    classify: Callable[[Tensor], Tensor], data: LabelledImages, batch_size: int = 500
) -> Accuracy:
    """Pass over a labelled set once.

    Args:
        classify: uint8 images [B, C, H, W] to logits [B, num_classes]; in evaluation mode.
        data: on the device that `classify` computes on.
        batch_size: images at a time; the result does not depend on it beyond rounding.

    Raises:
        DataError: if there is no image.
    """
    return summarise_totals(add_batches(classify, data, batch_size).totals())
