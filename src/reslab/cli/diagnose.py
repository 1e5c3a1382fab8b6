"""`reslab diagnose`: what is wrong with one's own runs, whatever framework wrote their logs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from reslab.analysis.curve_columns import ColumnNames, Scale
from reslab.cli.options import Flag
from reslab.cli.output import print_json, print_line


@dataclass(frozen=True, kw_only=True)
class Diagnose:
    """Tell degradation, overfitting, underfitting, divergence and plateau apart, with the evidence.

    Reads run folders of reslab, or any framework's logs as CSV with the depth before each file,
    repeated for seeds. Columns are found by name: step or epoch, training and test error, as
    fraction or percent, accuracy too; options name those that are not.
    Examples: `reslab diagnose out/degradation/runs`,
    `reslab diagnose 20=a.csv 20=b.csv 56=c.csv --out out/diagnosis`.
    """

    sources: Positional[tuple[str, ...]]
    """Run folders, folders of runs, or `DEPTH=FILE` for each log."""
    out: Path | None = None
    """Folder for the figure (PNG and SVG) and `diagnosis.json`."""
    scale: Scale = "auto"
    """Of errors and accuracies; auto takes percent where a name says so or a value is above 1."""
    columns: Annotated[ColumnNames, tyro.conf.arg(name="")] = field(default_factory=ColumnNames)
    """Columns of the logs that their names do not tell."""
    json: Flag = False
    """Print the diagnosis as one JSON object with `verdict` and `evidence`."""

    def run(self) -> int:
        """Read the curves and print verdict, evidence and what to try."""
        from reslab.analysis.diagnosis import diagnose  # noqa: PLC0415
        from reslab.analysis.diagnosis_words import document  # noqa: PLC0415

        diagnosis = diagnose(*self.sources, columns=self.columns, scale=self.scale)
        found = document(diagnosis)
        figure = None
        if self.out is not None:
            from reslab.report.diagnosis_figure import write_diagnosis  # noqa: PLC0415

            figure = write_diagnosis(diagnosis, found, self.out)
        if self.json:
            print_json({**found, "figure": None if figure is None else str(figure)})
            return 0
        print_line(f"{found['verdict']}\n{found['meaning']}\n")
        for line in found["evidence"]:
            print_line(f"- {line}")
        print_line("\nWhat to try:")
        for line in found["try"]:
            print_line(f"- {line}")
        if figure is not None:
            print_line(f"\nfigure: {figure}")
        return 0
