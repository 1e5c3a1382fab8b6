"""Option types that several verbs share."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import tyro
from tyro.constructors import PrimitiveConstructorSpec

T = TypeVar("T")


def _comma_list(parse: Callable[[str], T], metavar: str) -> PrimitiveConstructorSpec[tuple[T, ...]]:
    def is_instance(value: Any) -> bool:
        return isinstance(value, tuple)

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: tuple(parse(part) for part in words[0].split(",")),
        is_instance=is_instance,
        str_from_instance=lambda values: [",".join(str(value) for value in values)],
    )


Ints = Annotated[tuple[int, ...], _comma_list(int, "INT,INT,…")]
"""Whole numbers separated by commas: `20,56`."""

Floats = Annotated[tuple[float, ...], _comma_list(float, "FLOAT,FLOAT,…")]
"""Numbers separated by commas: `0.49,0.48,0.45`."""

Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]
"""A switch that is off unless named."""

Texts = Annotated[tuple[str, ...], _comma_list(str, "TEXT,TEXT,…")]
"""Words separated by commas."""
