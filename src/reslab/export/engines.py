"""The inference engines, imported when they are used and without their telemetry."""

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from reslab.errors import ExportError


def is_installed(module: str) -> bool:
    """Whether a module could be imported; does not import it."""
    return find_spec(module) is not None


def require(*modules: str) -> None:
    """Make sure that modules of the extra `export` are installed.

    Raises:
        ExportError: naming those that are not.
    """
    missing = [module for module in modules if not is_installed(module)]
    if missing:
        raise ExportError(
            f"this needs {', '.join(missing)}, not installed here: pip install 'reslab[export]'"
        )


def import_onnxruntime() -> Any:
    """Import ONNX Runtime; its uploader of usage data is never started.

    Raises:
        ExportError: if it is not installed.
    """
    require("onnxruntime")
    # Read once, while the engine initialises; anything later comes too late for its first message.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return import_module("onnxruntime")


def import_openvino() -> Any:
    """Import OpenVINO; where it is first imported here, its telemetry stays out.

    Raises:
        ExportError: if it is not installed.
    """
    require("openvino")
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    # OpenVINO reports its own import to an analytics service unless this package is missing.
    # Seeming to be missing makes it take a stub of its own, and touches no file of the user's.
    hidden = sys.modules.pop("openvino_telemetry", None)
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        return import_module("openvino")
    finally:
        del sys.modules["openvino_telemetry"]
        if hidden is not None:
            sys.modules["openvino_telemetry"] = hidden
