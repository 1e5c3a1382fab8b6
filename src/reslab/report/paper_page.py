"""One page of the whole paper: claim, evidence, verdict, command, study by study."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reslab.errors import RunError
from reslab.files.atomic import write_atomically
from reslab.files.documents import write_sealed_json
from reslab.report.pages import describe_environment_of, open_templates
from reslab.report.study_page import REPORT_FILE, RESULTS_FILE, describe_study
from reslab.studies.conduct import StudyOutcome
from reslab.studies.deviations import reproduce_command


def write_paper(outcomes: Sequence[StudyOutcome], folder: Path) -> Path:
    """Write `results.json` and the page over all studies, each in a folder of its name.

    Args:
        outcomes: the studies, in the order of the page.
        folder: in which each study has a folder of its name.

    Returns:
        The page, one file that needs no network.

    Raises:
        RunError: if the folder cannot be written.
    """
    sections = [
        {
            **describe_study(outcome, folder / outcome.study.name, interactive=False),
            "page": f"{outcome.study.name}/{REPORT_FILE}",
            "runs": len(outcome.evidence.runs),
            "seconds": outcome.seconds,
        }
        for outcome in outcomes
    ]
    try:
        write_sealed_json(folder / RESULTS_FILE, paper_document(outcomes))
        page = (
            open_templates()
            .get_template("paper.html.j2")
            .render(sections=sections, environment=describe_environment_of(outcomes[0]))
        )
        write_atomically(folder / REPORT_FILE, page.encode())
    except OSError as error:
        raise RunError(f"cannot write the report in {folder}: {error.strerror}") from error
    return folder / REPORT_FILE


def paper_document(outcomes: Sequence[StudyOutcome]) -> dict[str, Any]:
    """Every claim with its evidence, verdict and command, in plain JSON types."""
    return {
        "claims": [
            {
                "study": outcome.study.name,
                **asdict(claim),
                "command": reproduce_command(outcome.study.name, outcome.setting),
            }
            for outcome in outcomes
            for claim in outcome.findings.claims
        ],
        "studies": {outcome.study.name: asdict(outcome.setting) for outcome in outcomes},
    }
