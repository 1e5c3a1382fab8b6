"""What a network thinks of an image, why, and how long it took."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reslab.data.images import Pixels, decode_image
from reslab.errors import ConfigError, DataError
from reslab.evaluation.classifier_runtime import ClassifierRuntime
from reslab.evaluation.prediction import Candidate, rank
from reslab.evaluation.protocols import build_protocol
from reslab.evaluation.scoring import compute_log_scores
from reslab.networks.classifier import Classifier
from reslab.networks.geometry import ImageGeometry
from reslab.web.library import Library
from reslab.web.uploads import MAX_PIXELS, Upload

MAP_SIDE = 56
"""Points of the class activation map in each direction, at most; the browser draws between them."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One network's answer to one image."""

    candidates: tuple[Candidate, ...]
    """The most likely classes first."""
    view: Pixels
    """[H, W, C]: what the network was shown."""
    evidence: NDArray[np.float32] | None
    """[h, w] from 0 to 1: where the first class is seen; None without the library that finds it."""
    network_seconds: float
    evidence_seconds: float


def classify(upload: Upload, weights: Path, library: Library, top: int) -> Answer:
    """Let a network name what an image shows.

    Args:
        upload: the image.
        weights: the network's file.
        library: opens it.
        top: how many classes.

    Raises:
        DataError: if it is no image, or has too many pixels.
        WeightsError: if the weights are damaged, or the answer is not finite.
    """
    with library.use(weights) as classifier:
        runtime = ClassifierRuntime(classifier)
        view = make_view(upload, runtime.geometry)
        began = time.perf_counter()
        (log_scores,) = compute_log_scores(runtime, [[view]], 1)
        answered = time.perf_counter()
        candidates = rank(log_scores, runtime.class_names, top)
        evidence = _explain(classifier, view, candidates[0].index)
        return Answer(
            candidates=candidates,
            view=view,
            evidence=evidence,
            network_seconds=answered - began,
            evidence_seconds=time.perf_counter() - answered,
        )


def make_view(upload: Upload, geometry: ImageGeometry) -> Pixels:
    """The part of an image that a network is shown, [crop, crop, C].

    A network that takes small images as they are, such as CIFAR's, is shown the whole of a larger
    one rather than a few pixels of its centre.

    Raises:
        DataError: if it is no image, or has too many pixels.
    """
    try:
        pixels = decode_image(upload.content, geometry.channels, MAX_PIXELS)
    except DataError as error:
        raise DataError(str(error).replace("the image", upload.name)) from error
    if geometry.resize is None:
        geometry = replace(geometry, resize=geometry.crop)
    (view,) = build_protocol("centre", geometry)(pixels)
    return view


def _explain(classifier: Classifier, view: Pixels, label: int) -> NDArray[np.float32] | None:
    try:
        from reslab.evaluation.explanation import compute_activation_map  # noqa: PLC0415
    except ConfigError:
        return None
    evidence = compute_activation_map(classifier, view, label)
    step = -(-len(evidence) // MAP_SIDE)
    return evidence[::step, ::step]
