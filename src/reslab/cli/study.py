"""`reslab study`: an experiment of the paper, from its runs to its page."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from reslab.cli.options import Flag
from reslab.cli.output import print_json, print_line, print_message, print_table
from reslab.cli.study_options import StudyOptions, StudyOptionsInPlace
from reslab.errors import ConfigError

if TYPE_CHECKING:
    from reslab.studies.conduct import StudyOutcome
    from reslab.studies.study import Study as PaperStudy


@dataclass(frozen=True, kw_only=True)
class Study:
    """Carry out an experiment of the paper: train its networks, measure, compare, write a page.

    Runs that have finished are reused, those of other studies beside this one too, and stopped ones
    resumed, so the same command can be given again at any time.
    Examples: `reslab study degradation --data digits`, `reslab study --list`.
    """

    name: Positional[str] = ""
    """The study, as `--list` names it, or a Python file with one of your own."""
    list: Flag = False
    """List the studies and what each costs at each budget, and do nothing else."""
    out: Path | None = None
    """Folder of the study: `results.json`, figures, `report.html`, runs; by default `out/NAME`."""
    runs: Path | None = None
    """Folder of the runs, to share it between studies; by default `runs` in the study's folder."""
    options: StudyOptionsInPlace = field(default_factory=StudyOptions)
    """On what, for how long, over how many seeds."""
    json: Flag = False
    """Print the result as one JSON object."""

    def run(self) -> int:
        """Carry out the study, write its page and print what it found."""
        if self.list:
            return self._list()
        if not self.name:
            raise ConfigError("name a study; `reslab study --list` lists them")
        from reslab.report.study_page import write_report  # noqa: PLC0415
        from reslab.runs.executor import Stopped  # noqa: PLC0415
        from reslab.studies.carry_out import find_stores  # noqa: PLC0415
        from reslab.studies.catalogue import find_study  # noqa: PLC0415

        study = find_study(self.name)
        folder = self.out or Path("out") / study.name
        try:
            outcome = self.options.carry_out(study, folder, find_stores(folder, self.runs))
        except Stopped:
            print_message(f"stopped; the same command goes on from there (runs in {folder})")
            return 130
        show_outcome(outcome, folder, write_report(outcome, folder), json=self.json)
        return 0

    def _list(self) -> int:
        from reslab.studies.catalogue import list_studies  # noqa: PLC0415

        rows = [_describe(study, self.options) for study in list_studies()]
        if self.json:
            print_json(rows)
            return 0
        for row in rows:
            print_line(f"{row['name']} ({row['where']})\n  {row['question']}")
            print_line(f"  refuted by {row['refuted_by']}")
        budgets = ["smoke", "quick", "paper"]
        print_table(
            f"\nWhat each costs on {self.options.data}: runs, hours of one CPU core to train them, "
            "and measurements",
            ["study", *budgets],
            [[row["name"], *(row["costs"][budget] for budget in budgets)] for row in rows],
        )
        return 0


def _describe(study: "PaperStudy", options: StudyOptions) -> dict[str, Any]:
    from reslab.studies.cost import estimate_cost  # noqa: PLC0415

    return {
        "name": study.name,
        "question": study.question,
        "where": study.where,
        "refuted_by": study.refuted_by,
        "costs": {
            budget: estimate_cost(study, options.data, budget).to_text()
            for budget in ("smoke", "quick", "paper")
        },
    }


def show_outcome(outcome: "StudyOutcome", folder: Path, page: Path, *, json: bool) -> None:
    """Print a study's findings, as one JSON object or as tables."""
    from reslab.report.study_page import results_document  # noqa: PLC0415

    if json:
        print_json({**results_document(outcome, folder), "report": str(page)})
        return
    for table in outcome.findings.tables:
        print_table(table.title, list(table.columns), [list(row) for row in table.rows])
        print_line("")
    print_line(outcome.findings.answer)
    for claim in outcome.findings.claims:
        print_line(f"\n{claim.verdict}: {claim.statement} ({claim.where})\n  {claim.evidence}")
    print_line(f"\npage: {page}")
