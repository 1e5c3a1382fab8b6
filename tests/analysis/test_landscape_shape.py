import numpy as np
import pytest

from reslab.analysis.landscape_shape import HIGHEST, log_rises, measure_falls

AT = [-1.0, -0.5, 0.0, 0.5, 1.0]


def test_the_rise_of_a_parabola_is_its_curvature() -> None:
    bowls = [[2 + steep * a**2 for a in AT] for steep in (1.0, 100.0)]
    assert log_rises(AT, bowls, 1.0) == pytest.approx([0, 2])
    assert log_rises(AT, bowls, 0.5) == pytest.approx([np.log10(0.25), 2 + np.log10(0.25)])


def test_what_is_not_finite_counts_as_the_highest_and_a_fall_as_the_least() -> None:
    lines: list[list[float | None]] = [[None, 1.0, 0.0, 1.0, None], [0.0, 1.0, 3.0, 1.0, 0.0]]
    assert log_rises(AT, lines, 1.0) == pytest.approx([np.log10(HIGHEST), -3])
    assert log_rises(AT, [[float("inf"), 1e9, 0.0, 1.0, 1e9]], 1.0) == pytest.approx([6])


def test_a_bowl_never_falls_and_a_hill_does_nothing_else() -> None:
    assert measure_falls([[a**2 for a in AT], [1e5 * abs(a) for a in AT]]) == [0, 0]
    assert measure_falls([[5 - a**2 for a in AT]]) == pytest.approx([1])


def test_a_wave_falls_as_far_as_it_rises() -> None:
    wave = np.sin(np.linspace(-4 * np.pi, 4 * np.pi, 401)) ** 2
    assert measure_falls([wave.tolist()]) == pytest.approx([0.5], abs=1e-6)


def test_a_flat_line_does_not_fall() -> None:
    assert measure_falls([[1.0] * 5]) == [0]
