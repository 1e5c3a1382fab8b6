"""Opening whatever reslab wrote, weights or exported, in the fastest engine; free of PyTorch."""

import zipfile
from pathlib import Path
from typing import Literal

from reslab.errors import ConfigError, ExportError, WeightsError
from reslab.evaluation.runtime import Runtime
from reslab.export.engines import is_installed

RUNTIMES = ("auto", "torch", "onnx", "openvino")

Kind = Literal["weights", "program", "onnx"]


def open_runtime(path: Path, runtime: str = "auto", threads: int | None = None) -> Runtime:
    """Open a network for inference.

    PyTorch is imported for a weights file only. Of an ONNX file `auto` takes OpenVINO for INT8 and
    ONNX Runtime for FP32, as benchmarks/README.md measured, or whichever of them is installed.

    Args:
        path: a weights file, or an ONNX file of `reslab export`.
        runtime: one of `RUNTIMES`; the `name` of what is returned tells which was taken.
        threads: of one inference; None leaves the number to the engine.

    Raises:
        ConfigError: if the runtime is unknown or cannot run this kind of file.
        WeightsError: if there is no such file, or it is a damaged weights file.
        ExportError: if the engine is not installed, or it is a damaged exported file.
    """
    if runtime not in RUNTIMES:
        raise ConfigError(f"unknown runtime {runtime!r}: choose one of {', '.join(RUNTIMES)}")
    kind = recognise(path)
    if kind == "program":
        raise ConfigError(
            f"{path} is a torch.export program, which may run anything when it is opened: use "
            "torch.export.load in a script of yours if you trust it, or export to ONNX instead"
        )
    if kind == "weights":
        return _open_weights(path, runtime, threads)
    return _open_onnx(path, runtime, threads)


def recognise(path: Path) -> Kind:
    """Tell from a file's first bytes what it is.

    Raises:
        WeightsError: if it is missing, no regular file, or cannot be read.
    """
    if not path.is_file():
        raise WeightsError(f"there is no file {path}: give a weights file or an exported network")
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}") from error
    if zipfile.is_zipfile(path):
        return "program"
    # Safetensors: eight bytes of length, then JSON. ONNX is protobuf, which has no mark of its own.
    return "weights" if head[8:] == b"{" or path.suffix == ".safetensors" else "onnx"


def _open_weights(path: Path, runtime: str, threads: int | None) -> Runtime:
    if runtime not in ("auto", "torch"):
        raise ConfigError(
            f"{path} is a weights file, which {runtime} cannot run: `reslab export {path} "
            f"{path.with_suffix('.onnx')}` makes a file that it can"
        )
    from reslab.export.run_torch import open_weights  # noqa: PLC0415 - imports PyTorch

    return open_weights(path, threads)


def _open_onnx(path: Path, runtime: str, threads: int | None) -> Runtime:
    from reslab.export.run_onnx import OnnxRuntime  # noqa: PLC0415
    from reslab.export.run_openvino import OpenVinoRuntime  # noqa: PLC0415

    if runtime == "torch":
        raise ConfigError(
            f"{path} is not a weights file, which is all that the runtime torch opens: take the "
            "runtime onnx or openvino"
        )
    if runtime == "openvino":
        return OpenVinoRuntime(path, threads)
    if runtime == "onnx":
        return OnnxRuntime(path, threads)
    engines = [name for name in ("onnxruntime", "openvino") if is_installed(name)]
    if not engines:
        raise ExportError(
            f"nothing installed here runs {path}: pip install 'reslab[export]' brings ONNX Runtime "
            "and OpenVINO"
        )
    if "onnxruntime" not in engines:
        return OpenVinoRuntime(path, threads)
    opened = OnnxRuntime(path, threads)
    if opened.description.precision == "int8" and "openvino" in engines:
        return OpenVinoRuntime(path, threads)
    return opened
