"""INT8 by static quantisation, calibrated on real images."""

from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslab.errors import ExportError
from reslab.export.description import INPUT_NAME, Description
from reslab.export.engines import import_onnxruntime, require
from reslab.export.quiet import quiet

# Preprocessing and the final averaging, which cost nothing, stay in floating point.
QUANTISED_OPERATORS = ["Conv", "Relu", "Add", "MaxPool", "Slice", "Pad", "Gemm"]
BATCH_SIZE = 16


def quantise_onnx(model: Any, description: Description, images: NDArray[np.uint8]) -> Any:
    """Quantise an FP32 `onnx.ModelProto`.

    Activations become unsigned 8-bit numbers over the range that they take on the images; weights
    become signed 7-bit numbers, each output channel with its own scale. The eighth bit would
    overflow on processors that add products of bytes in 16 bits (x86 without VNNI).

    Args:
        model: from `build_onnx`.
        description: of the FP32 model; says how its images are prepared.
        images: [N, C, H, W], to calibrate on; a few hundred real ones.

    Raises:
        ExportError: if the extra `export` is not installed, there are no images, or the engine
            cannot quantise the network.
    """
    require("onnx")
    import_onnxruntime()
    quantization = import_module("onnxruntime.quantization")

    if not len(images):
        raise ExportError("INT8 needs images to calibrate on, got none")
    with TemporaryDirectory() as folder, quiet(None):
        # Given as an object the model would be emptied: the engine moves its weights to a file.
        original, path = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        original.write_bytes(model.SerializeToString())
        try:
            quantization.quantize_static(
                original,
                path,
                _Reader(description, images),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=QUANTISED_OPERATORS,
                per_channel=True,
                reduce_range=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                # On CIFAR-10 entropy and percentiles lost no less accuracy, for far more memory.
                calibrate_method=quantization.CalibrationMethod.MinMax,
            )
        except Exception as error:  # The engine's errors share no narrower base.
            raise ExportError(f"ONNX Runtime cannot quantise this network: {error}") from error
        return import_module("onnx").load(path)


class _Reader:
    """Batches of images, as the engine asks for them."""

    def __init__(self, description: Description, images: NDArray[np.uint8]) -> None:
        self._description = description
        self._batches = iter(np.split(images, range(BATCH_SIZE, len(images), BATCH_SIZE)))

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT_NAME: self._description.prepare(batch)}
