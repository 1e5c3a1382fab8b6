"""`reslab reproduce`: every study of the paper, and one page over them all."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reslab.cli.options import Flag, Texts
from reslab.cli.output import print_json, print_line, print_message
from reslab.cli.study_options import StudyOptions, StudyOptionsInPlace

if TYPE_CHECKING:
    from reslab.studies.conduct import StudyOutcome
    from reslab.studies.study import Study


@dataclass(frozen=True, kw_only=True)
class Reproduce:
    """Carry out the studies of the paper one after another, and write one report of it.

    Runs that several studies need are trained once. The same command goes on where it stopped.
    Example: `reslab reproduce --data digits`.
    """

    out: Path = Path("out/paper")
    """Folder: a folder for each study, `runs`, `results.json` and `report.html` over all."""
    only: Texts = ()
    """Names of the studies to carry out, separated by commas; all by default."""
    options: StudyOptionsInPlace = field(default_factory=StudyOptions)
    """On what, for how long, over how many seeds."""
    json: Flag = False
    """Print all claims as one JSON object."""

    def run(self) -> int:
        """Carry out the studies, write the page and print each claim with its verdict."""
        from reslab.report.paper_page import paper_document, write_paper  # noqa: PLC0415
        from reslab.runs.executor import Stopped  # noqa: PLC0415
        from reslab.studies.catalogue import find_study, list_studies  # noqa: PLC0415

        studies = [find_study(name) for name in self.only] or list_studies()
        try:
            outcomes = [self._carry_out(study) for study in studies]
        except Stopped:
            print_message(f"stopped; the same command goes on from there (runs in {self.out})")
            return 130
        page = write_paper(outcomes, self.out)
        if self.json:
            print_json({**paper_document(outcomes), "report": str(page)})
            return 0
        for outcome in outcomes:
            print_line(f"\n{outcome.study.name}: {outcome.study.question}")
            for claim in outcome.findings.claims:
                print_line(f"  {claim.verdict}: {claim.statement}\n    {claim.evidence}")
        print_line(f"\npage: {page}")
        return 0

    def _carry_out(self, study: "Study") -> "StudyOutcome":
        from reslab.report.study_page import write_report  # noqa: PLC0415
        from reslab.studies.carry_out import RunStore  # noqa: PLC0415

        folder = self.out / study.name
        options = self.options if study.takes_weights else replace(self.options, weights=())
        outcome = options.carry_out(study, folder, RunStore(self.out / "runs"))
        write_report(outcome, folder)
        return outcome
