"""Frozen dataclasses as JSON documents, decoded strictly."""

import hashlib
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import cattrs
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory
from cattrs.preconf.json import make_converter

from reslab.errors import ConfigError
from reslab.files.atomic import write_atomically

T = TypeVar("T")

SEAL = "seal"
"""The key under which a sealed document carries the digest of the rest."""
MAX_JSON_BYTES = 64 << 20
"""No document that reslab writes or reads is larger."""

_converter = make_converter(forbid_extra_keys=True)


def _accept_only(accepted: tuple[type, ...]) -> Any:
    def structure(value: Any, target: type) -> Any:
        # bool is an int to Python, but `true` in the place of a number is a mistake in a file.
        if (isinstance(value, bool) and bool not in accepted) or not isinstance(value, accepted):
            raise TypeError(f"expected {target.__name__}, found {value!r:.60}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"expected a finite number, found {value!r}")
        return target(value)

    return structure


_converter.register_structure_hook(bool, _accept_only((bool,)))
_converter.register_structure_hook(int, _accept_only((int,)))
_converter.register_structure_hook(float, _accept_only((float, int)))
_converter.register_structure_hook(str, _accept_only((str,)))


def _is_of_one_kind(target: Any) -> bool:
    """Whether a type is a list, or a tuple of any length."""
    return get_origin(target) is list or (
        get_origin(target) is tuple and get_args(target)[-1] is Ellipsis
    )


@_converter.register_structure_hook_factory(_is_of_one_kind)
def _accept_lists(target: Any, converter: cattrs.Converter) -> Any:
    # A text is a sequence to Python, but in the place of a list it is a mistake in a file.
    is_list = get_origin(target) is list
    factory = list_structure_factory if is_list else homogenous_tuple_structure_factory
    structure = factory(target, converter)

    def structure_list(value: Any, target: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise TypeError(f"expected a list, found {value!r:.60}")
        return structure(value, target)

    return structure_list


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


def write_sealed_json(path: Path, document: dict[str, Any]) -> None:
    """Write `document` so that `read_json` notices any later change of it."""
    write_json(path, {**document, SEAL: _compute_seal(document)})


def read_json(path: Path) -> Any:
    """Read a JSON file; a seal is verified and left out.

    Raises:
        ConfigError: if the file is missing, unreadable, not JSON, or changed since it was sealed.
    """
    try:
        document = parse_json(_read_bounded(path))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}. Delete it or restore a copy.") from error
    if isinstance(document, dict) and SEAL in document:
        seal = document.pop(SEAL)
        if seal != _compute_seal(document):
            raise ConfigError(
                f"{path} is damaged or was changed after it was written: its seal does not fit. "
                f"Restore a copy; if the change is meant, take the line `{SEAL}` out."
            )
    return document


def parse_json(content: bytes | str) -> Any:
    """Parse JSON in which no key comes twice in an object.

    Raises:
        ValueError: if it is anything else.
        RecursionError: if it is nested too deep.
    """
    return json.loads(content, object_pairs_hook=_parse_object)


def _compute_seal(document: dict[str, Any]) -> str:
    # Of the values as JSON gives them back: a tuple has become a list, a key text. NaN may occur.
    text = json.dumps(document, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _read_bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_JSON_BYTES + 1)
    if len(content) > MAX_JSON_BYTES:
        raise ValueError(f"it has more than {MAX_JSON_BYTES >> 20} MiB")
    return content


def _parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = Counter(key for key, _ in pairs)
        raise ValueError(f"the key {keys.most_common(1)[0][0][:40]!r} comes twice")
    return document
