"""Libraries that only some sources need."""

import importlib
from typing import Any

from reslab.errors import DataError


def import_optional(module: str, extra: str, purpose: str) -> Any:
    """Import a module that may not be installed.

    Raises:
        DataError: naming the extra that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DataError(
            f"{purpose} need {module.partition('.')[0]}, which is not installed: "
            f"pip install 'reslab[{extra}]'"
        ) from error
