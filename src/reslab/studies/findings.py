"""What a study has found: claims with their evidence, tables and charts, as plain data."""

from dataclasses import dataclass, field
from typing import Any, Literal

from reslab.studies.charts import Chart

ClaimVerdict = Literal["reproduced", "not reproduced", "not tested at this budget"]
Cell = str | int | float | None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of the paper, and whether it was seen here."""

    statement: str
    where: str
    """Section, figure or table of the paper."""
    verdict: ClaimVerdict
    evidence: str
    """The numbers behind the verdict, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of numbers and words."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    """How the numbers were made: n, intervals, what a column means."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a study concludes from its runs and measurements."""

    answer: str
    """To the study's question, in a few sentences with the numbers that carry it."""
    claims: tuple[Claim, ...]
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    limits: tuple[str, ...] = ()
    """What this cannot show."""
    details: dict[str, Any] = field(default_factory=dict)
    """Further numbers, in plain JSON types, for `results.json`."""


def judge_claim(*, holds: bool, tested: bool = True) -> ClaimVerdict:
    """The verdict on a claim that holds here or not, or that this setting cannot test."""
    if not tested:
        return "not tested at this budget"
    return "reproduced" if holds else "not reproduced"
