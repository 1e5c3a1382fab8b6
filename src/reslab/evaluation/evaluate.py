"""Testing a network on labelled images, in memory or on disk."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from reslab.data.dataset import LabelledImages
from reslab.data.images import Pixels
from reslab.data.sources.folder import LabelledFiles
from reslab.errors import ConfigError, DataError
from reslab.evaluation.protocols import MakeViews, read_views
from reslab.evaluation.runtime import Runtime
from reslab.evaluation.scoring import compute_log_scores
from reslab.evaluation.tally import Evaluation, EvaluationTally

LabelledViews = tuple[Sequence[Pixels], int]
"""The views of an image, and its label."""


def evaluate(
    runtime: Runtime, samples: Iterable[LabelledViews], batch_size: int = 100
) -> Evaluation:
    """Test a network.

    Args:
        runtime: the network.
        samples: from `views_of_images` or `views_of_files`.
        batch_size: images held at a time.

    Raises:
        ConfigError: if `batch_size` is not positive.
        DataError: if there are no images, or one cannot be read.
        WeightsError: if the network's answer is not finite.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}, must be at least 1")
    tally = EvaluationTally(runtime.class_names)
    remaining = iter(samples)
    count = 0
    while batch := list(islice(remaining, batch_size)):
        views, labels = zip(*batch, strict=True)
        tally.add(compute_log_scores(runtime, views, batch_size), np.array(labels))
        count += len(batch)
    if not count:
        raise DataError("there are no images to evaluate on")
    return tally.summarise()


def views_of_images(
    data: LabelledImages, make_views: MakeViews | None = None
) -> Iterator[LabelledViews]:
    """The views of images in memory.

    Args:
        data: on the CPU.
        make_views: the test protocol; None shows each image whole, as it is.
    """
    for image, label in zip(data.images.numpy(), data.labels.tolist(), strict=True):
        pixels = image.transpose(1, 2, 0)
        yield ([pixels] if make_views is None else make_views(pixels)), label


def views_of_files(
    files: LabelledFiles, runtime: Runtime, make_views: MakeViews
) -> Iterator[LabelledViews]:
    """The views of images on disk.

    Raises:
        DataError: naming the first file that cannot be read; an error rate without it would be of
            another set of images.
    """
    for path, label in zip(files.paths, files.labels, strict=True):
        yield read_views(path, runtime.geometry, make_views), label
