"""Weights files and torch.export programs in PyTorch."""

import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from reslab.evaluation.classifier_runtime import ClassifierRuntime
from reslab.export.described import DescribedRuntime
from reslab.export.description import METADATA_KEY, decode_description
from reslab.export.fold import fold_classifier
from reslab.networks.weights import load


def open_weights(path: Path, threads: int | None = None) -> ClassifierRuntime:
    """Open a weights file for inference: BN folded, weights laid out channels last.

    Args:
        path: a reslab weights file.
        threads: of the whole process; None leaves the number to PyTorch.

    Raises:
        WeightsError: if the file cannot be read.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    folded = fold_classifier(load(path))
    # Convolutions take the layout of their weights, which is the faster one for oneDNN.
    return ClassifierRuntime(folded.to(memory_format=torch.channels_last))  # type: ignore[call-overload]


class ProgramRuntime(DescribedRuntime):
    """A torch.export program as a runtime.

    PyTorch may unpickle parts of such a file, which can run anything: open only files that you
    made or trust.

    Args:
        path: a file that `reslab export --format torch-export` wrote.

    Raises:
        ExportError: if the program carries no description.
    """

    name = "torch"

    def __init__(self, path: Path) -> None:
        metadata = {METADATA_KEY: ""}
        with warnings.catch_warnings():
            # PyTorch 2.11 warns of its own buffers.
            warnings.filterwarnings("ignore", "The given buffer is not writable")
            program = torch.export.load(path, extra_files=metadata)
        self.description = decode_description(metadata, path)
        self._module = program.module()

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images [B, C, H, W] of 0 to 255 to logits [B, classes]."""
        with torch.inference_mode():
            logits = self._module(torch.from_numpy(self.description.prepare(images)))
        result: NDArray[np.float32] = logits.numpy()
        return result
