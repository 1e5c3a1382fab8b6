"""Frozen dataclasses as JSON documents, decoded strictly."""

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import cattrs
from cattrs.preconf.json import make_converter

from reslab.errors import ConfigError
from reslab.files.atomic import write_atomically

T = TypeVar("T")

_converter = make_converter(forbid_extra_keys=True)


def _accept_only(accepted: tuple[type, ...]) -> Any:
    def structure(value: Any, target: type) -> Any:
        # bool is an int to Python, but `true` in the place of a number is a mistake in a file.
        if (isinstance(value, bool) and bool not in accepted) or not isinstance(value, accepted):
            raise TypeError(f"expected {target.__name__}, found {value!r}")
        return target(value)

    return structure


_converter.register_structure_hook(bool, _accept_only((bool,)))
_converter.register_structure_hook(int, _accept_only((int,)))
_converter.register_structure_hook(float, _accept_only((float, int)))
_converter.register_structure_hook(str, _accept_only((str,)))


def to_document(value: Any) -> dict[str, Any]:
    """Turn a dataclass into plain JSON types."""
    document: dict[str, Any] = _converter.unstructure(value)
    return document


def from_document(document: Any, target: type[T], origin: str) -> T:
    """Build a `target` dataclass from JSON types.

    Args:
        document: what `json.loads` returned.
        target: the dataclass expected.
        origin: where the document came from, for the error message.

    Raises:
        ConfigError: if a key is unknown or missing, or a value has the wrong type.
    """
    if not isinstance(document, dict):
        raise ConfigError(f"{origin} is not a valid {target.__name__}: not a JSON object")
    try:
        return _converter.structure(document, target)
    except (cattrs.BaseValidationError, ConfigError) as error:
        problems = "; ".join(cattrs.transform_error(error))
        raise ConfigError(f"{origin} is not a valid {target.__name__}: {problems}") from error


def canonical_json(document: Any) -> str:
    """The one JSON text of a document: keys sorted, no spaces; equal documents give equal texts."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_document(document: Any) -> str:
    """SHA-256 of `canonical_json(document)`, in hex."""
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()


def write_json(path: Path, document: Any) -> None:
    """Write `document` atomically as indented JSON."""
    write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ConfigError: if the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}. Delete it or restore a copy.") from error
