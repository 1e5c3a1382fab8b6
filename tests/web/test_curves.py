"""Curves of runs: which numbers, smoothed, thinned, and joined over seeds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reslab.web.curves import (
    MAX_POINTS,
    Curve,
    CurveOptions,
    MeasuredRun,
    draw_curves,
    make_curves,
    smooth,
)


def run(seed: int, errors: Sequence[float | None], *, seconds_each: float = 1.0) -> MeasuredRun:
    records: list[dict[str, Any]] = [
        {
            "kind": "train",
            "step": i + 1,
            "elapsed_seconds": (i + 1) * seconds_each,
            "running_train_error_pct": error,
            "loss": 2.0,
        }
        for i, error in enumerate(errors)
    ]
    records.append(
        {"kind": "evaluation", "step": len(errors), "elapsed_seconds": 9.0, "test_error_pct": 5.0}
    )
    return MeasuredRun(label=f"net, seed {seed}", group="g", group_label="net", records=records)


def only(curves: list[Curve], part: str) -> Curve:
    (found,) = [curve for curve in curves if curve.part == part]
    return found


def test_training_and_test_are_told_apart() -> None:
    curves = make_curves([run(0, [80.0, 40.0])], CurveOptions())
    assert only(curves, "training").y.tolist() == [80.0, 40.0]
    assert only(curves, "test").y.tolist() == [5.0]
    assert only(curves, "test").x.tolist() == [2.0]


def test_lines_are_drawn_as_in_the_paper() -> None:
    options = CurveOptions()
    traces = draw_curves(make_curves([run(0, [80.0, 40.0])], options), options)["data"]
    styles = {trace["name"]: trace["line"] for trace in traces}
    assert styles["net, seed 0 · training"]["dash"] == "dash"
    assert "dash" not in styles["net, seed 0 · test"]
    assert styles["net, seed 0 · test"]["width"] > styles["net, seed 0 · training"]["width"]
    assert len({line["color"] for line in styles.values()}) == 1


def test_time_is_in_minutes() -> None:
    curves = make_curves([run(0, [9.0, 8.0], seconds_each=30)], CurveOptions(against="time"))
    assert only(curves, "training").x.tolist() == [0.5, 1.0]


def test_what_was_no_number_is_left_out() -> None:
    curves = make_curves([run(0, [9.0, None, 7.0])], CurveOptions())
    assert only(curves, "training").x.tolist() == [1.0, 3.0]


def test_seeds_become_a_band_over_the_steps_all_have() -> None:
    runs = [run(0, [10.0, 20.0, 30.0]), run(1, [30.0, 60.0])]
    curve = only(make_curves(runs, CurveOptions(band=True)), "training")
    assert curve.x.tolist() == [1.0, 2.0]
    assert curve.y.tolist() == [20.0, 40.0]
    assert curve.low is not None
    assert curve.high is not None
    assert (curve.low.tolist(), curve.high.tolist()) == ([10.0, 20.0], [30.0, 60.0])
    assert curve.label == "net, 2 seeds"


def test_a_run_without_measurements_hides_no_other() -> None:
    empty = MeasuredRun(label="net, seed 1", group="g", group_label="net", records=[])
    assert make_curves([empty], CurveOptions(band=True)) == []
    assert len(make_curves([run(0, [1.0]), empty], CurveOptions(band=True))) == 2


@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30),
    weight=st.floats(0, 0.99),
)
def test_smoothing_is_the_weighted_mean_of_what_came_before(
    values: list[float], weight: float
) -> None:
    smoothed = smooth(np.array(values), weight)
    for t in range(len(values)):
        weights = weight ** np.arange(t, -1, -1.0)
        assert smoothed[t] == pytest.approx(np.average(values[: t + 1], weights=weights), abs=1e-6)


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    curve = only(make_curves([run(0, [float(i) for i in range(5000)])], CurveOptions()), "training")
    assert len(curve.x) <= MAX_POINTS
    assert (curve.x[0], curve.x[-1]) == (1.0, 5000.0)


def test_smoothed_zeros_do_not_fall_without_end_on_a_logarithmic_axis() -> None:
    options = CurveOptions(smoothing=0.5, log_y=True, parts=("training",))
    curves = make_curves([run(0, [50.0] + [0.0] * 60)], options)
    drawn = [y for y in draw_curves(curves, options)["data"][0]["y"] if y is not None]
    assert min(drawn) >= 0.001
