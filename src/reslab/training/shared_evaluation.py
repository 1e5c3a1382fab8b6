"""Evaluation shared out among the ranks of a run, with the numbers that one process would find."""

from collections.abc import Callable

from torch import Tensor

from reslab.data.dataset import LabelledImages
from reslab.evaluation.accuracy import Accuracy, add_batches, summarise_totals
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
    batches = ranks.share(-(-len(data) // BATCH_SIZE))
    images = slice(batches.start * BATCH_SIZE, batches.stop * BATCH_SIZE)
    share = LabelledImages(data.images[images], data.labels[images])
    totals = add_batches(classify, share, BATCH_SIZE).totals()
    # Double precision holds every count exactly.
    ranks.add_up([totals])
    return summarise_totals(totals)
