"""What more training does to the digits study, measured beforehand (docs/log.md)."""

from dataclasses import astuple, dataclass

from reslab.studies.findings import Table


@dataclass(frozen=True, kw_only=True)
class LongerBudget:
    """Final training errors, mean ± std in percent over n seeds, at one number of steps."""

    steps: int
    n: int
    plain20: str
    plain56: str
    resnet20: str
    resnet56: str


# 2026-11-25, `reslab study degradation --data digits --steps STEPS --seeds 3`.
LONGER_ON_DIGITS = (
    LongerBudget(
        steps=336,
        n=3,
        plain20="0.02 ± 0.04",
        plain56="62.29 ± 23.26",
        resnet20="0.00 ± 0.00",
        resnet56="0.02 ± 0.04",
    ),
    LongerBudget(
        steps=672,
        n=3,
        plain20="0.00 ± 0.00",
        plain56="55.18 ± 21.19",
        resnet20="0.00 ± 0.00",
        resnet56="0.00 ± 0.00",
    ),
    LongerBudget(
        steps=1344,
        n=3,
        plain20="0.00 ± 0.00",
        plain56="33.87 ± 12.88",
        resnet20="0.00 ± 0.00",
        resnet56="0.00 ± 0.00",
    ),
)
LONGER_WORDS = (
    "Plain-56 does go on learning: twice and four times the steps bring its training error down, "
    "unevenly over the seeds, but four times the steps still leave it far from where the three "
    "other nets are at the first budget. More training does not cure degradation here; it makes "
    "it smaller."
)


def tables_of_longer_budgets(data: str) -> tuple[Table, ...]:
    """What is known of longer training on a data set; empty where nothing was measured."""
    if data != "digits":
        return ()
    return (
        Table(
            title="With more training",
            columns=("steps", "n", "plain20", "plain56", "resnet20", "resnet56"),
            rows=tuple(astuple(row) for row in LONGER_ON_DIGITS),
            note="Measured beforehand with the same command and other --steps: final training "
            f"error in percent, mean ± standard deviation over n seeds. {LONGER_WORDS}",
        ),
    )
