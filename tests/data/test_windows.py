"""Windows lie within their images, and are those of resizing whole images, by formula."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reslab.data.windows import CentreView, RandomResizedCrop, ScaleJitter, View
from reslab.errors import ConfigError

VIEWS: list[View] = [
    ScaleJitter(),
    ScaleJitter(size=32, shortest=32, longest=40),
    CentreView(),
    CentreView(size=10, shorter=11),
    RandomResizedCrop(),
]
sides = st.integers(1, 5000)
uniform = st.floats(0, 1, exclude_max=True)


@given(view=st.sampled_from(VIEWS), width=sides, height=sides, data=st.data())
def test_every_window_lies_within_its_image(
    view: View, width: int, height: int, data: st.DataObject
) -> None:
    uniforms = np.array(data.draw(st.lists(uniform, min_size=view.draws, max_size=view.draws)))
    window = view.choose(width, height, uniforms)
    assert window.left >= 0
    assert window.top >= 0
    assert window.width > 0
    assert window.height > 0
    assert window.left + window.width <= width * (1 + 1e-9)
    assert window.top + window.height <= height * (1 + 1e-9)


@given(width=sides, height=sides, draws=st.lists(uniform, min_size=4, max_size=4))
def test_the_shorter_side_is_scaled_to_a_length_of_the_paper(
    width: int, height: int, draws: list[float]
) -> None:
    window = ScaleJitter().choose(width, height, np.array(draws))
    short, window_side = (width, window.width) if width <= height else (height, window.height)
    length = 224 * short / window_side
    assert 256 - 1e-6 <= length <= 480 + 1e-6
    assert math.isclose(length, round(length), abs_tol=1e-6)


def draw_windows(view: View, width: int, height: int, count: int) -> list[Any]:
    generator = np.random.default_rng(0)
    return [view.choose(width, height, generator.random(view.draws)) for _ in range(count)]


def test_lengths_places_and_mirroring_are_uniform() -> None:
    windows = draw_windows(ScaleJitter(), 500, 375, 4000)
    lengths = np.array([round(224 * 375 / window.height) for window in windows])
    assert lengths.min() == 256
    assert lengths.max() == 480
    assert abs(lengths.mean() - 368) < 4 * 225 / math.sqrt(12 * 4000)
    assert abs(np.mean([window.mirrored for window in windows]) - 0.5) < 4 * 0.5 / math.sqrt(4000)
    centres = np.array([window.left + window.width / 2 for window in windows])
    assert abs(centres.mean() - 250) < 4 * centres.std() / math.sqrt(4000)


def test_the_areas_of_random_rectangles_are_uniform() -> None:
    windows = draw_windows(RandomResizedCrop(area=(0.2, 0.4), aspect=(1.0, 1.0)), 1000, 1000, 2000)
    areas = np.array([window.width * window.height / 1e6 for window in windows])
    assert 0.199 < areas.min() < 0.21
    assert 0.39 < areas.max() < 0.401
    assert abs(areas.mean() - 0.3) < 0.01


def test_a_strip_where_no_rectangle_fits_gives_the_largest_that_does() -> None:
    (window,) = draw_windows(RandomResizedCrop(area=(1.0, 1.0)), 1000, 10, 1)
    assert (window.width, window.height) == (13, 10)


@pytest.mark.parametrize(
    "build",
    [
        lambda: ScaleJitter(size=300),
        lambda: ScaleJitter(shortest=500),
        lambda: ScaleJitter(size=0),
        lambda: CentreView(size=257),
        lambda: RandomResizedCrop(area=(0.0, 1.0)),
        lambda: RandomResizedCrop(area=(0.5, 1.5)),
        lambda: RandomResizedCrop(aspect=(2.0, 1.0)),
    ],
)
def test_views_that_cannot_be_are_refused(build: Any) -> None:
    with pytest.raises(ConfigError):
        build()
