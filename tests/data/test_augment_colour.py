"""Colours: statistics against NumPy's, shifts by AlexNet's formula."""

import numpy as np
import pytest
import torch

from reslab.data.augment_colour import (
    draw_lighting,
    measure_channels,
    normalise_channels,
    shift_colours,
)
from reslab.errors import DataError

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (12, 3, 7, 5), generator=GENERATOR, dtype=torch.uint8)
IMAGES[:, 1] = IMAGES[:, 0] // 2 + IMAGES[:, 1] // 4


def test_statistics_are_those_of_all_pixels_at_once() -> None:
    statistics = measure_channels([IMAGES[:5], IMAGES[5:10], IMAGES[10:]])
    pixels = IMAGES.movedim(1, -1).reshape(-1, 3).double().numpy() / 255
    assert np.allclose(statistics.mean, pixels.mean(0), atol=1e-12)
    assert np.allclose(statistics.covariance, np.cov(pixels.T, bias=True), atol=1e-12)
    assert np.allclose(statistics.std, pixels.std(0), atol=1e-12)


def test_components_make_up_the_covariance() -> None:
    statistics = measure_channels([IMAGES])
    variances, vectors = statistics.components()
    assert torch.allclose(vectors @ variances.diag() @ vectors.T, statistics.covariance)


def test_shifts_are_draws_times_variances_along_components() -> None:
    statistics = measure_channels([IMAGES])
    draws = draw_lighting(12, torch.Generator().manual_seed(1))
    images = IMAGES.float() / 255
    shifts = shift_colours(images, draws, statistics) - images
    variances, vectors = np.linalg.eigh(statistics.covariance.numpy())
    # The sign of a component is arbitrary, so NumPy's may be the other one.
    signs = np.sign((vectors * statistics.components()[1].numpy()).sum(0))
    expected = (draws.numpy() * variances * signs) @ vectors.T
    assert np.allclose(shifts.mean((2, 3)), expected, atol=1e-6)
    assert shifts.std((2, 3)).max() < 1e-6


def test_draws_have_the_strength_asked_for() -> None:
    draws = draw_lighting(20_000, torch.Generator().manual_seed(0))
    assert draws.shape == (20_000, 3)
    assert abs(float(draws.std()) - 0.1) < 0.002


@pytest.mark.parametrize("scale", [False, True])
def test_normalised_images_have_zero_mean_and_unit_deviation_if_scaled(scale: bool) -> None:
    statistics = measure_channels([IMAGES])
    pixels = normalise_channels(IMAGES, statistics, scale=scale).movedim(1, -1).reshape(-1, 3)
    assert pixels.dtype == torch.float32
    assert torch.allclose(pixels.mean(0), torch.zeros(3), atol=1e-5)
    wanted = torch.ones(3) if scale else statistics.std.float()
    assert torch.allclose(pixels.std(0, correction=0), wanted, atol=1e-5)


def test_no_image_has_no_colours() -> None:
    with pytest.raises(DataError, match="no image to measure"):
        measure_channels([])
