"""Writing ONNX files."""

from typing import Any

import torch

from reslab.errors import ExportError
from reslab.export.capture import prepare_capture
from reslab.export.description import (
    INPUT_NAME,
    METADATA_KEY,
    OUTPUT_NAME,
    Description,
    encode_description,
)
from reslab.export.engines import require
from reslab.export.quiet import quiet
from reslab.networks.classifier import Classifier


def build_onnx(classifier: Classifier, *, preprocessing_inside: bool) -> Any:
    """A classifier as an `onnx.ModelProto`, input `images`, output `logits`.

    Raises:
        ExportError: if the extra `export` is not installed, or PyTorch cannot capture the network.
    """
    require("onnx", "onnxscript")
    capture = prepare_capture(classifier, preprocessing_inside=preprocessing_inside)
    try:
        with quiet("torch.onnx"):
            program = torch.onnx.export(
                capture.module,
                (capture.example,),
                dynamo=True,
                dynamic_shapes=(capture.dynamic_axes,),
                input_names=[INPUT_NAME],
                output_names=[OUTPUT_NAME],
                verbose=False,
            )
    except Exception as error:  # Anything at all, depending on what the network does.
        raise ExportError(f"PyTorch cannot make ONNX of this network: {error}") from error
    if program is None:
        raise ExportError("PyTorch gave no ONNX of this network")
    model = program.model_proto
    _forget_source_lines(model)
    return model


def attach_description(model: Any, description: Description) -> None:
    """Put the description into an `onnx.ModelProto`, replacing an older one."""
    from onnx.helper import set_model_props  # noqa: PLC0415 - belongs to the extra `export`

    set_model_props(model, {METADATA_KEY: encode_description(description)})


def _forget_source_lines(model: Any) -> None:
    # They name folders of the machine that exported, which are nobody else's business.
    for entry in (model.graph, *model.graph.node, *model.graph.value_info):
        entry.ClearField("metadata_props")
