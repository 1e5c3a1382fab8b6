"""What more training does to the digits study, measured beforehand (docs/log.md)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LongerBudget:
    """Final training errors, mean ± std in percent over n seeds, at one number of steps."""

    steps: int
    n: int
    plain20: str
    plain56: str
    resnet20: str
    resnet56: str


LONGER_ON_DIGITS: tuple[LongerBudget, ...] = ()
