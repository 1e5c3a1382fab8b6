"""Tables and charts of final errors that several studies share."""

from collections.abc import Sequence

from reslab.analysis.curves import Curve, NetworkCurves
from reslab.analysis.statistics import Difference, Summary, summarise
from reslab.studies.charts import Chart, Line, LineStyle, Panel
from reslab.studies.evidence import Evidence
from reslab.studies.findings import Cell, Table
from reslab.studies.published import PublishedNumber
from reslab.studies.setting import StudySetting
from reslab.training.recipe import BATCH_SIZE, PAPER_STEPS

ERRORS_NOTE = (
    "Mean ± standard deviation over n seeds, of the training set in evaluation mode and of the "
    "test set, at the last step."
)


def table_of_errors(
    evidence: Evidence, setting: StudySetting, published: Sequence[PublishedNumber] = ()
) -> Table:
    """Final errors of every net, beside what the paper prints where that may be compared."""
    by_label = {p.label: p for p in published} if setting.data == "cifar10" else {}
    columns = ["network", "layers", "n", "training error %", "test error %", "best test error %"]
    if by_label:
        columns += ["paper, test error %", "where"]

    def row(label: str) -> tuple[Cell, ...]:
        errors = evidence.final_errors(label)
        test = summarise(errors.test_error_pct) if errors.test_error_pct else None
        cells: list[Cell] = [
            label,
            errors.depth,
            len(errors.test_error_pct),
            summarise(errors.train_error_pct).to_text() if test else "diverged",
            test.to_text() if test else "diverged",
            f"{test.best:.2f}" if test else None,
        ]
        if by_label:
            number = by_label.get(label)
            cells += [number.value, number.where] if number else [None, None]
        return tuple(cells)

    return Table(
        title="Final errors",
        columns=tuple(columns),
        rows=tuple(row(label) for label in evidence.labels),
        note=ERRORS_NOTE,
    )


def chart_of_curves(
    evidence: Evidence, panels: dict[str, Sequence[str]], *, name: str, caption: str
) -> Chart:
    """Errors against steps, training dashed and test bold as in the paper.

    Args:
        evidence: the runs.
        panels: the labels drawn in each panel, by its title.
        name: of the chart's files.
        caption: what it shows.
    """
    return Chart(
        name=name,
        caption=f"{caption} Training error dashed, test error bold; mean over the seeds, band from "
        "the lowest to the highest.",
        panels=tuple(
            Panel(
                title=title,
                x_label="steps",
                y_label="error (%)",
                marks=tuple(
                    line
                    for i, label in enumerate(labels)
                    for line in _lines_of(evidence.curves(label), i)
                ),
                y_range=(0, 100),
            )
            for title, labels in panels.items()
        ),
    )


def line_of(curve: Curve, label: str, colour: int, style: LineStyle) -> Line:
    """A curve over the seeds as a line with its band."""
    return Line(
        label=label,
        x=curve.steps,
        y=curve.mean,
        low=curve.low,
        high=curve.high,
        colour=colour,
        style=style,
    )


def _lines_of(curves: NetworkCurves, colour: int) -> tuple[Line, Line]:
    return (
        line_of(curves.train, f"{curves.network} training", colour, "dashed"),
        line_of(curves.test, f"{curves.network} test", colour, "bold"),
    )


def percent(summary: Summary) -> str:
    """`12.3 ± 0.4 %`."""
    spread = "" if summary.std is None else f" ± {summary.std:.1f}"
    return f"{summary.mean:.1f}{spread} %"


def points(difference: Difference) -> str:
    """`+1.23 [+0.40, +2.06]`: a difference in percentage points with its 95 % interval."""
    mean = f"{difference.mean:+.2f}"
    if difference.low is None or difference.high is None:
        return f"{mean} (one seed: no interval)"
    return f"{mean} [{difference.low:+.2f}, {difference.high:+.2f}]"


def list_common_limits(evidence: Evidence, setting: StudySetting) -> list[str]:
    """What runs this short, few or unlucky cannot show, whatever the study."""
    limits = []
    if setting.is_too_short and evidence.runs:
        limits.append(
            f"Each training image has been seen {setting.epochs:.1f} times; the paper's budget is "
            f"{PAPER_STEPS * BATCH_SIZE / 50_000:.0f}. The curves show how fast each net starts to "
            "learn, not where it ends, and the errors are not to be compared with the paper's."
        )
    evaluated = {run.config.recipe.evaluation_images for run in evidence.runs} - {None}
    if evaluated:
        limits.append(
            f"Errors are of {max(e for e in evaluated if e):,} images of the training set and at "
            "most as many of the test set, the same for every net: evaluating all of them would "
            "take longer than training this short."
        )
    if evidence.runs and setting.seeds < 3:
        limits.append(f"{setting.seeds} seeds leave the intervals wide.")
    diverged = [
        f"{run.label} seed {run.config.seed}"
        for run in evidence.runs
        if run.result.state == "diverged"
    ]
    if diverged:
        limits.append(f"Diverged (loss no longer a number): {', '.join(diverged)}.")
    return limits
