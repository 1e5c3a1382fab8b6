"""The curves behind a diagnosis, as one figure."""

from pathlib import Path
from typing import Any

from reslab.analysis.diagnosis import Diagnosis
from reslab.analysis.diagnosis_curves import Family, Series
from reslab.errors import RunError
from reslab.files.documents import write_json
from reslab.report.still import render_chart
from reslab.studies.charts import Chart, Line, LineStyle, Panel


def write_diagnosis(diagnosis: Diagnosis, document: dict[str, Any], folder: Path) -> Path:
    """Write `diagnosis.json`, and the curves as `curves.png`, `.svg` and `.json`.

    Returns:
        The PNG file.

    Raises:
        RunError: if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "diagnosis.json", document)
        return render_chart(draw_diagnosis(diagnosis), folder)
    except OSError as error:
        raise RunError(f"cannot write the diagnosis in {folder}: {error.strerror}") from error


def draw_diagnosis(diagnosis: Diagnosis) -> Chart:
    """Each family's curves: training dashed, test bold, a line for each seed."""
    return Chart(
        name="curves",
        caption="Training error dashed, test error bold; one line for each seed.",
        panels=tuple(_draw_family(judged.family, judged.verdict) for judged in diagnosis.families),
    )


def _draw_family(family: Family, verdict: str) -> Panel:
    loss = family.nets[0].quantity == "loss"
    lines = []
    for colour, net in enumerate(family.nets):
        for i, seed in enumerate(net.seeds):
            # A line whose label is an underscore is left out of the legend.
            names = [f"{net.label}, {part}" if i == 0 else "_" for part in ("training", "test")]
            lines.append(_line(names[0], seed.train, colour, "dashed"))
            lines.append(_line(names[1], seed.test, colour, "bold"))
    title = f"{family.name}: {verdict}" if family.name else verdict
    return Panel(
        title=title,
        x_label="steps or epochs",
        y_label="loss (% of the highest first)" if loss else "error (%)",
        marks=tuple(lines),
        y_range=(0, 100),
    )


def _line(label: str, series: Series, colour: int, style: LineStyle) -> Line:
    return Line(label=label, x=series.steps, y=series.values, colour=colour, style=style)
