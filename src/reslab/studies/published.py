"""Numbers that the paper prints, with the place where it prints them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PublishedError:
    """An error on CIFAR-10's test set, He et al. 2016."""

    network: str
    test_error_pct: float
    where: str
    """Table or figure."""
