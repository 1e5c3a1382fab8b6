"""Altering JSON as JSON: bytes altered at random are hardly ever JSON any more."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

Mutate = Callable[[bytes, int], bytes]
"""Alters bytes at random, up to a size."""

NASTY: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 3, 7, 10, 64, 255, 2**20, 2**31, 2**63, 10**30, 10**400, 0.5, -0.0,
    1e308, float("nan"), float("-inf"), "", "a", "a" * 300, "../x", "/dev/zero", "a.py", "\x1b[31m",
    "<b>$", "\0", "\ud800", "none", "A", "B", "C-1x1", "basic", "bottleneck", "preactivation",
    "imagenet", "cifar", "digits", [], {}, [[]], {"": {}}, [1] * 50, [1, -1], ["a", "a"],
)  # fmt: skip
BYTES_SHARE = 0.2


def mutate_json(content: bytes, max_size: int, seed: int, mutate: Mutate) -> bytes:
    """Alter one value in one of the lines, each a document; or, now and then, any byte."""
    generator = random.Random(seed)  # noqa: S311
    lines = content.split(b"\n")
    index = generator.randrange(len(lines))
    try:
        document = json.loads(lines[index])
    except (ValueError, RecursionError):
        return mutate(content, max_size)
    if generator.random() < BYTES_SHARE:
        return mutate(content, max_size)
    for _ in range(generator.randint(1, 3)):
        document = _alter(document, generator)
    lines[index] = json.dumps(document).encode()
    altered = b"\n".join(lines)
    return altered if len(altered) <= max_size else content


def _alter(document: Any, generator: random.Random) -> Any:
    places = list(_list_places(document))
    if not places:
        return deepcopy(generator.choice(NASTY))
    container, key = generator.choice(places)
    choice = generator.random()
    if choice < 0.1:
        del container[key]
    elif choice < 0.2 and isinstance(container, dict):
        container[str(generator.choice(NASTY))] = deepcopy(container[key])
    elif choice < 0.3 and isinstance(container, list):
        container.extend(deepcopy(container[: generator.randint(0, 40)]))
    elif choice < 0.5:
        other, other_key = generator.choice(places)
        container[key] = deepcopy(other[other_key])
    else:
        container[key] = deepcopy(generator.choice(NASTY))
    return document


def _keys(container: Any) -> Any:
    return container if isinstance(container, dict) else range(len(container))


def _list_places(document: Any) -> Any:
    for key in list(_keys(document)) if isinstance(document, dict | list) else ():
        yield document, key
        yield from _list_places(document[key])
