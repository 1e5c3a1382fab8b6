"""A grid over a run's own settings: every combination is trained, and seeds are summed up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from reslab.analysis.statistics import Summary, summarise
from reslab.errors import ConfigError
from reslab.runs.executor import Failed
from reslab.studies.setting import PlannedRun
from reslab.training.result import RunResult
from reslab.training.run_config import RunConfig

SEED = "seed"
MAX_RUNS = 10_000
ERRORS = ("train_error_pct", "validation_error_pct", "test_error_pct")


@dataclass(frozen=True, kw_only=True)
class SweptRun:
    """One run of a sweep."""

    settings: Mapping[str, str]
    """What was varied, the seed apart."""
    config: RunConfig

    @property
    def planned(self) -> PlannedRun:
        """The run as it is carried out."""
        label = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        return PlannedRun(label=label or self.config.network.name, config=self.config)


@dataclass(frozen=True, kw_only=True)
class SweepRow:
    """The runs of one combination, over its seeds."""

    settings: Mapping[str, str]
    """What was varied, the seed apart."""
    n: int
    """Runs that finished; errors are theirs."""
    diverged: int
    """Runs whose loss became infinite or NaN."""
    failures: tuple[str, ...]
    """What other runs failed of."""
    errors: Mapping[str, Summary | None]
    """Mean and deviation of each of `ERRORS`; None where it was never measured."""
    digests: tuple[str, ...]
    """Of all its runs' configurations."""


def parse_variations(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read `NAME=VALUE,VALUE,…`, and `NAME=FIRST..LAST` for whole numbers.

    Raises:
        ConfigError: if a text is neither, a name comes twice, or there are too many combinations.
    """
    variations: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, listed = text.partition("=")
        values = _list_values(listed)
        if not equals or not name or not all(values):
            raise ConfigError(
                f"--vary {text}: write NAME=VALUE,VALUE,… or NAME=FIRST..LAST, as in "
                "learning_rate=0.05,0.1 or seed=0..4"
            )
        if name in variations or len(set(values)) < len(values):
            raise ConfigError(f"--vary {text}: give each name once, and each of its values once")
        variations[name] = values
    count = len(combine(variations))
    if count > MAX_RUNS:
        raise ConfigError(f"this is a sweep of {count:,} runs, of at most {MAX_RUNS:,}")
    return variations


def _list_values(listed: str) -> tuple[str, ...]:
    if match := re.fullmatch(r"(\d{1,9})\.\.(\d{1,9})", listed):
        first, last = map(int, match.groups())
        if last - first >= MAX_RUNS:
            raise ConfigError(f"{listed} are more than {MAX_RUNS:,} values")
        return tuple(str(value) for value in range(first, last + 1)) or ("",)
    return tuple(value.strip() for value in listed.split(","))


def combine(variations: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Every combination, the first name changing slowest."""
    return [dict(zip(variations, values, strict=True)) for values in product(*variations.values())]


def require_different(runs: Sequence[SweptRun]) -> None:
    """Make sure that what is varied changes what is measured.

    Raises:
        ConfigError: if two combinations are the same run.
    """
    seen: dict[str, SweptRun] = {}
    for run in runs:
        other = seen.setdefault(run.config.digest, run)
        if other is not run:
            raise ConfigError(
                f"{other.planned.label} and {run.planned.label} are one and the same run: vary "
                "what changes it"
            )


def summarise_sweep(
    runs: Sequence[SweptRun], outcomes: Sequence[RunResult | Failed]
) -> list[SweepRow]:
    """Put the seeds of each combination together, in the order of the runs.

    Args:
        runs: what was trained.
        outcomes: how each ended.
    """
    groups: dict[str, list[tuple[SweptRun, RunResult | Failed]]] = {}
    for run, outcome in zip(runs, outcomes, strict=True):
        groups.setdefault(run.planned.label, []).append((run, outcome))
    return [_summarise_group(group) for group in groups.values()]


def find_best(rows: Sequence[SweepRow]) -> tuple[SweepRow, str] | None:
    """The row of the lowest mean error, and which one: of images held out, else of the test set."""
    for error in ("validation_error_pct", "test_error_pct"):
        measured = [(row, mean) for row in rows if (mean := row.errors[error]) is not None]
        if measured:
            return min(measured, key=lambda pair: pair[1].mean)[0], error
    return None


def row_document(row: SweepRow) -> dict[str, Any]:
    """The row in plain JSON types."""
    return {
        "settings": dict(row.settings),
        "n": row.n,
        "diverged": row.diverged,
        "failures": list(row.failures),
        **{error: _summary_document(summary) for error, summary in row.errors.items()},
        "digests": list(row.digests),
    }


def _summary_document(summary: Summary | None) -> dict[str, Any] | None:
    if summary is None:
        return None
    return {"mean": summary.mean, "std": summary.std, "best": summary.best}


def _summarise_group(group: Sequence[tuple[SweptRun, RunResult | Failed]]) -> SweepRow:
    results = [outcome for _, outcome in group if isinstance(outcome, RunResult)]
    finished = [result for result in results if result.state == "finished"]
    return SweepRow(
        settings=group[0][0].settings,
        n=len(finished),
        diverged=sum(result.state == "diverged" for result in results),
        failures=tuple(str(outcome.error) for _, outcome in group if isinstance(outcome, Failed)),
        errors={error: _summarise_error(finished, error) for error in ERRORS},
        digests=tuple(run.config.digest for run, _ in group),
    )


def _summarise_error(results: Sequence[RunResult], error: str) -> Summary | None:
    values = [getattr(result, error) for result in results]
    measured = [value for value in values if value is not None]
    return summarise(measured) if measured else None
