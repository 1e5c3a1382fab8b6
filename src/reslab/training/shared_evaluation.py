"""Evaluation shared out among the ranks of a run, with the numbers that one process would find."""

from collections.abc import Callable

import torch
from torch import Tensor

from reslab.data.dataset import LabelledImages
from reslab.evaluation.accuracy import Accuracy, compute_accuracy
from reslab.training.ranks import Ranks

BATCH_SIZE = 500


def evaluate_shared(
    classify: Callable[[Tensor], Tensor], data: LabelledImages, ranks: Ranks
) -> Accuracy:
    """Pass over a labelled set once, each rank over its share of the batches.

    The batches are those of one process alone, so the number of wrong answers is exactly the same.

    Args:
        classify: uint8 images [B, C, H, W] to logits [B, num_classes]; the same on every rank.
        data: the whole set, on every rank.
        ranks: who shares the work.
    """
    if ranks.size == 1:
        return compute_accuracy(classify, data, BATCH_SIZE)
    batches = ranks.share(-(-len(data) // BATCH_SIZE))
    images = slice(batches.start * BATCH_SIZE, batches.stop * BATCH_SIZE)
    share = LabelledImages(data.images[images], data.labels[images])
    sums = torch.zeros(2, dtype=torch.float64)
    if len(share):
        found = compute_accuracy(classify, share, BATCH_SIZE)
        sums += torch.tensor([found.wrong, found.loss * found.n], dtype=torch.float64)
    # Double precision holds every count exactly.
    ranks.add_up([sums])
    wrong, loss = sums.tolist()
    return Accuracy(n=len(data), wrong=int(wrong), loss=loss / len(data))
