"""Figures of stored studies, texts that stay texts, and what may be ordered."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from reslab.errors import ConfigError, RunError
from reslab.networks.catalogue import find_network
from reslab.networks.complexity import describe_network
from reslab.studies.charts import Bars, Line, Panel, Surface
from reslab.web.figures import style_figure
from reslab.web.inspection import list_stage_costs
from reslab.web.jobs import Jobs
from reslab.web.pictures import to_csv
from reslab.web.study_charts import draw_panel
from reslab.web.study_jobs import StudyJobs, StudyOrder, describe_cost
from reslab.web.study_results import list_studies_in, show_study
from reslab.web.workspace import Workspace


def drawn(*marks: Line | Bars | Surface, **options: Any) -> dict[str, Any]:
    panel = Panel(x_label="x", y_label="y", marks=marks, **options)
    return draw_panel(asdict(panel))


def test_lines_keep_their_style_and_their_band() -> None:
    line = Line(label="a", x=(1, 2), y=(3, None), low=(2, 3), high=(4, 5), style="bold")
    band, curve = drawn(line, log_y=True)["data"]
    assert curve["line"]["width"] == 3
    assert curve["y"] == (3, None)
    assert band["y"] == [2, 3, 5, 4]
    assert band["x"] == [1, 2, 2, 1]


def test_bars_reach_from_end_to_end_of_their_intervals() -> None:
    (bars,) = drawn(Bars(label="a", names=("p", "q"), values=(2, 3), low=(1, 1), high=(4, 3)))[
        "data"
    ]
    assert bars["error_y"]["array"] == [2, 0]
    assert bars["error_y"]["arrayminus"] == [1, 2]


def test_lines_without_a_name_of_their_own_stay_out_of_the_legend() -> None:
    (line,) = drawn(Line(label="_", x=(1,), y=(1,)))["data"]
    assert not line["showlegend"]


def test_axes_are_as_stored() -> None:
    layout = drawn(Line(label="a", x=(1,), y=(1,)), log_x=True, y_range=(0, 5))["layout"]
    assert layout["xaxis"]["type"] == "log"
    assert layout["yaxis"]["range"] == [0, 5]


def test_names_are_shown_as_text() -> None:
    trace = {"name": "<a href='http://evil.example'>x</a>", "x": [1], "y": ["<b>"], "text": ["&"]}
    (shown,) = style_figure({"data": [trace], "layout": {}})["data"]
    assert "<" not in shown["name"]
    assert (shown["x"], shown["y"], shown["text"]) == ([1], ["&lt;b&gt;"], ["&amp;"])


def test_csv_quotes_what_it_must() -> None:
    assert to_csv(["a", "b"], [[1, None], ["x,y", 'q"']]) == 'a,b\n1,\n"x,y","q"""\n'


@pytest.mark.parametrize("name", ["resnet20", "resnet50", "preresnet110"])
def test_stages_add_up_to_the_network(name: str) -> None:
    description = describe_network(find_network(name))
    costs = list_stage_costs(description)
    assert sum(cost.params for cost in costs) == description.params
    assert sum(cost.macs for cost in costs) == description.macs
    assert [costs[0].stage, costs[-1].stage] == ["stem", "head"]


@pytest.mark.parametrize(
    "order",
    [
        StudyOrder(study="../x.py", data="digits", budget="smoke"),
        StudyOrder(study="degradation", data="nothing", budget="smoke"),
        StudyOrder(study="degradation", data="digits", budget="huge"),  # type: ignore[arg-type]
    ],
)
def test_only_what_exists_is_ordered(tmp_path: Path, order: StudyOrder) -> None:
    with pytest.raises(ConfigError, match="choose from the lists"):
        describe_cost(order)
    with pytest.raises(ConfigError, match="choose from the lists"):
        StudyJobs(Jobs(), tmp_path, None).start(order)
    assert list(tmp_path.iterdir()) == []


def test_data_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    studies = StudyJobs(Jobs(), tmp_path, None)
    with pytest.raises(ConfigError, match="--data-root"):
        studies.start(StudyOrder(study="degradation", data="cifar10", budget="smoke"))
    with pytest.raises(RunError, match="not running"):
        studies.stop("degradation-cifar10-smoke")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"study": "x", "question": 1}'])
def test_damaged_results_are_refused_in_words(tmp_path: Path, content: str) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "results.json").write_text(content, encoding="utf-8")
    workspace = Workspace(tmp_path)
    with pytest.raises(ConfigError):
        show_study(workspace, "s")
    assert list_studies_in(workspace) == (["s"] if "study" in content else [])
