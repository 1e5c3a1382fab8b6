"""ONNX files in ONNX Runtime, on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslab.errors import ExportError
from reslab.export.described import DescribedRuntime
from reslab.export.description import INPUT_NAME, check_outputs, decode_description
from reslab.export.engines import import_onnxruntime


class OnnxRuntime(DescribedRuntime):
    """A runtime on top of ONNX Runtime.

    Args:
        path: a file that `reslab export` wrote.
        threads: of one inference; None leaves the number to the engine.

    Raises:
        ExportError: if the engine is missing or the file is damaged or of another kind.
    """

    name = "onnx"

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._session = _open_session(path, threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.description = decode_description(metadata, path)
        check_outputs(self.description, self._session.get_outputs()[0].shape[-1], path)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images [B, C, H, W] of 0 to 255 to logits [B, classes]."""
        inputs = {INPUT_NAME: self.description.prepare(images)}
        logits: NDArray[np.float32] = self._session.run(None, inputs)[0]
        return logits


def _open_session(path: Path, threads: int | None) -> Any:
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # What goes wrong is raised as well.
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The engine's errors share no narrower base.
        reason = str(error).strip().rstrip(".")
        raise ExportError(f"{path} is not a whole ONNX file: {reason}. Export it again.") from error
