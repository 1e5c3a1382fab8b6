"""`reslab report`: a study's page, made anew from what is stored."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from reslab.cli.options import Flag
from reslab.cli.study import show_outcome


@dataclass(frozen=True, kw_only=True)
class Report:
    """Make a study's results, figures and page anew from what is stored; trains nothing.

    Example: `reslab report out/degradation`.
    """

    folder: Positional[Path]
    """Folder of a study, as given to `reslab study --out`."""
    study: Path | None = None
    """The Python file of the study, where it is one of your own."""
    json: Flag = False
    """Print the result as one JSON object."""

    def run(self) -> int:
        """Read what is stored, write the page and print the findings."""
        from reslab.report.study_page import rebuild_report  # noqa: PLC0415

        outcome, page = rebuild_report(self.folder, self.study)
        show_outcome(outcome, self.folder, page, json=self.json)
        return 0
