"""In what the configurations of runs differ."""

from collections.abc import Mapping, Sequence
from typing import Any

MISSING = "–"


def find_differences(documents: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Each setting that is not the same in all configurations, with its value in each.

    Args:
        documents: configurations in plain JSON types.

    Returns:
        Pairs of a dotted name, such as `recipe.learning_rate`, and one text for each configuration.
    """
    flat = [flatten(document) for document in documents]
    names = list(dict.fromkeys(name for one in flat for name in one))
    rows = [(name, [_to_text(one, name) for one in flat]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def flatten(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested objects as one, keys joined by dots; lists are values."""
    flat: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        flat |= flatten(value, name) if isinstance(value, Mapping) else {name: value}
    return flat


def _to_text(flat: Mapping[str, Any], name: str) -> str:
    if name not in flat:
        return MISSING
    value = flat[name]
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
