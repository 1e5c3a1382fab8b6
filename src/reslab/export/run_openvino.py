"""ONNX files in OpenVINO, on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslab.errors import ExportError
from reslab.export.described import DescribedRuntime
from reslab.export.description import METADATA_KEY, check_outputs, decode_description
from reslab.export.engines import import_openvino


class OpenVinoRuntime(DescribedRuntime):
    """A runtime on top of OpenVINO.

    Args:
        path: a file that `reslab export` wrote.
        threads: of one inference; None leaves the number to the engine.

    Raises:
        ExportError: if the engine is missing or the file is damaged or of another kind.
    """

    name = "openvino"

    def __init__(self, path: Path, threads: int | None = None) -> None:
        core = import_openvino().Core()
        model = _read_model(core, path)
        self.description = decode_description(_read_metadata(model), path)
        outputs = model.outputs[0].get_partial_shape()[-1]
        check_outputs(self.description, outputs.get_length() if outputs.is_static else None, path)
        # Left alone, the engine would round to bfloat16 where the processor knows it.
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        self._request = core.compile_model(model, "CPU", settings).create_infer_request()

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images [B, C, H, W] of 0 to 255 to logits [B, classes]."""
        prepared = np.ascontiguousarray(self.description.prepare(images))
        logits: NDArray[np.float32] = self._request.infer({0: prepared}, share_inputs=True)[0]
        return logits


def _read_model(core: Any, path: Path) -> Any:
    try:
        return core.read_model(path)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ExportError(f"{path} is not a whole ONNX file: {reason}. Export it again.") from error


def _read_metadata(model: Any) -> dict[str, str]:
    # Where OpenVINO puts the metadata of an ONNX file.
    place = ["framework", METADATA_KEY]
    return {METADATA_KEY: model.get_rt_info(place).astype(str)} if model.has_rt_info(place) else {}
