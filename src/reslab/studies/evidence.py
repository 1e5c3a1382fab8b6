"""What a study's runs and measurements have left, by the label of the net."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reslab.analysis.curves import NetworkCurves, read_curves
from reslab.analysis.depth_verdict import FinalErrors
from reslab.studies.measuring import Measured
from reslab.training.result import RunResult
from reslab.training.run_config import RunConfig


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run that has ended, and where it lies."""

    label: str
    config: RunConfig
    result: RunResult
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a study may conclude from."""

    runs: tuple[FinishedRun, ...] = ()
    """In the order of the study's plan."""
    measured: tuple[Measured, ...] = ()

    @property
    def labels(self) -> list[str]:
        """The nets trained, in the order of the plan."""
        return list(dict.fromkeys(run.label for run in self.runs))

    def of(self, label: str) -> list[FinishedRun]:
        """One net's runs over the seeds."""
        return [run for run in self.runs if run.label == label]

    def final_errors(self, label: str) -> FinalErrors:
        """One net's last training and test errors over the seeds that have both."""
        results = [run.result for run in self.of(label)]
        pairs = [
            (r.train_error_pct, r.test_error_pct)
            for r in results
            if r.train_error_pct is not None and r.test_error_pct is not None
        ]
        return FinalErrors(
            depth=results[0].depth,
            train_error_pct=tuple(train for train, _ in pairs),
            test_error_pct=tuple(test for _, test in pairs),
        )

    def curves(self, label: str) -> NetworkCurves:
        """One net's errors as it trained, over the seeds."""
        runs = self.of(label)
        return read_curves(
            (run.folder for run in runs),
            network=label,
            family=runs[0].result.family,
            depth=runs[0].result.depth,
        )

    def measured_of(self, kind: str, label: str | None = None) -> Sequence[Measured]:
        """Measurements of one kind, of one net or of all."""
        return [m for m in self.measured if m.kind == kind and label in (None, m.label)]
