"""Numbers that the paper prints, with the place where it prints them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PublishedNumber:
    """A number of He et al. 2016, or of the paper that `where` names."""

    label: str
    """The net it belongs to, by the label of a study's runs."""
    value: float
    unit: str = "test error %"
    where: str
    """Table or figure."""


TABLE_6 = (
    PublishedNumber(label="resnet20", value=8.75, where="Table 6"),
    PublishedNumber(label="resnet32", value=7.51, where="Table 6"),
    PublishedNumber(label="resnet44", value=7.17, where="Table 6"),
    PublishedNumber(label="resnet56", value=6.97, where="Table 6"),
    PublishedNumber(label="resnet110", value=6.43, where="Table 6, best of 5 (6.61 ± 0.16)"),
    PublishedNumber(label="resnet1202", value=7.93, where="Table 6"),
)
