"""Writing torch.export programs."""

from pathlib import Path

import torch

from reslab.errors import ExportError
from reslab.export.capture import prepare_capture, to_dims
from reslab.export.describe import describe_classifier
from reslab.export.description import METADATA_KEY, encode_description
from reslab.export.quiet import quiet
from reslab.networks.classifier import Classifier


def write_program(classifier: Classifier, path: Path, *, preprocessing_inside: bool) -> None:
    """Write a classifier as a torch.export program, which `torch.export.load` opens.

    Raises:
        ExportError: if PyTorch cannot capture the network.
    """
    capture = prepare_capture(classifier, preprocessing_inside=preprocessing_inside)
    description = describe_classifier(classifier, "fp32", preprocessing_inside=preprocessing_inside)
    try:
        with quiet("torch"), torch.no_grad():
            program = torch.export.export(
                capture.module, (capture.example,), dynamic_shapes=to_dims(capture)
            )
            _forget_source_lines(program)
            extra_files = {METADATA_KEY: encode_description(description)}
            torch.export.save(program, path, extra_files=extra_files)
    except Exception as error:  # Anything at all, depending on what the network does.
        raise ExportError(f"PyTorch cannot capture this network: {error}") from error


def _forget_source_lines(program: torch.export.ExportedProgram) -> None:
    # They name folders of the machine that exported, which are nobody else's business.
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
