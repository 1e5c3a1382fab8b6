import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reslab.report.interactive import render_interactive
from reslab.report.still import render_chart
from reslab.report.surfaces import PANELS_IN_ROW, choose_levels, span_heights
from reslab.studies.charts import Chart, Line, Panel, Surface

AT = (-1.0, 0.0, 1.0)


def make_chart(*heights: float, log: bool = True) -> Chart:
    surfaces = [
        Surface(label=f"net {i}", x=AT, y=AT, z=((h, h, h), (h, 0.1, h), (h, h, h)), log=log)
        for i, h in enumerate(heights)
    ]
    panels = tuple(Panel(title=s.label, x_label="a", y_label="b", marks=(s,)) for s in surfaces)
    return Chart(name="bowls", caption="Bowls.", panels=panels)


def test_surfaces_share_one_scale() -> None:
    assert span_heights(make_chart(5.0, 2_000.0)) == (0.1, 2_000.0)
    lines = Panel(x_label="", y_label="", marks=(Line(label="", x=(0,), y=(0,)),))
    assert span_heights(Chart(name="lines", caption="", panels=(lines,))) is None


@pytest.mark.parametrize("span", [(0.1, 2_000.0), (1.0, 1.0), (1e-3, 1e4)])
@pytest.mark.parametrize("log", [True, False])
def test_levels_rise_and_hold_every_height(span: tuple[float, float], *, log: bool) -> None:
    levels = choose_levels(span, log=log)
    assert (np.diff(levels) > 0).all()
    assert levels[0] <= span[0] * (1 + 1e-9)
    assert levels[-1] >= span[1] * (1 - 1e-9)


@pytest.mark.parametrize(
    ("heights", "log"), [((5.0,), False), ((0.1, 0.1), True), ((1.0, 10.0, 1e3, 1e4, 1e4), True)]
)
def test_each_surface_is_drawn_in_space_and_as_contours(
    tmp_path: Path, heights: tuple[float, ...], *, log: bool
) -> None:
    chart = make_chart(*heights, log=log)
    picture = np.asarray(Image.open(render_chart(chart, tmp_path)).convert("RGB"))
    coloured = picture.max(axis=2).astype(int) - picture.min(axis=2) > 40
    half = len(picture) // 2 // -(-len(heights) // PANELS_IN_ROW)
    assert coloured[:half].any()
    assert coloured[half : 2 * half].any()
    assert json.loads((tmp_path / "bowls.json").read_text())["panels"]


def test_the_page_has_one_scene_a_surface() -> None:
    html = render_interactive(make_chart(5.0, 2_000.0))
    assert html.count('"type":"surface","scene"') == 2
    assert '"scene2"' in html
    assert '"coloraxis"' in html
