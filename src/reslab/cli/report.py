"""`reslab report`: a study's page, made anew from its stored runs."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from reslab.cli.options import Flag
from reslab.cli.output import print_json
from reslab.cli.study import print_study


@dataclass(frozen=True, kw_only=True)
class Report:
    """Make a study's results, figures and page anew from its stored runs; trains nothing.

    Example: `reslab report out/degradation`.
    """

    folder: Positional[Path]
    """Folder of a study, as given to `reslab study --out`."""
    json: Flag = False
    """Print the result as one JSON object."""

    def run(self) -> int:
        """Read the runs, write the page and print the verdict."""
        from reslab.report.degradation_page import rebuild_report  # noqa: PLC0415

        result, page = rebuild_report(self.folder)
        if self.json:
            print_json({**result.to_document(), "report": str(page)})
        else:
            print_study(result, page)
        return 0
