import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reslab.data.augment import random_crop, random_flip
from reslab.data.batches import BatchOrder


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 5))
@settings(max_examples=60)
def test_every_image_comes_once_an_epoch(count: int, batch_size: int, seed: int) -> None:
    order = BatchOrder(count, batch_size, seed)
    steps = 3 * count // batch_size + 1
    seen = torch.cat([order.indices(step) for step in range(steps)])
    assert len(seen) == steps * batch_size
    for epoch in seen[: len(seen) // count * count].reshape(-1, count):
        assert epoch.sort().values.tolist() == list(range(count))


def test_a_step_does_not_depend_on_those_before() -> None:
    walked, jumped = BatchOrder(50, 8, 3), BatchOrder(50, 8, 3)
    for step in range(29):
        walked.indices(step)
    assert torch.equal(walked.indices(29), jumped.indices(29))
    assert not torch.equal(BatchOrder(50, 8, 4).indices(29), jumped.indices(29))


def windows_of(image: torch.Tensor, padding: int) -> list[torch.Tensor]:
    height, width = image.shape[-2:]
    padded = torch.zeros(image.shape[0], height + 2 * padding, width + 2 * padding)
    padded[:, padding : padding + height, padding : padding + width] = image
    return [
        padded[:, y : y + height, x : x + width]
        for y in range(2 * padding + 1)
        for x in range(2 * padding + 1)
    ]


def test_crops_are_windows_of_the_padded_image_all_equally_likely() -> None:
    image = torch.arange(1.0, 1 + 2 * 4 * 5).reshape(2, 4, 5)
    batch = random_crop(image.expand(9_000, 2, 4, 5), 1, torch.Generator().manual_seed(0))
    counts = [int((batch == window).all(dim=(1, 2, 3)).sum()) for window in windows_of(image, 1)]
    assert sum(counts) == 9_000
    assert all(850 < count < 1_150 for count in counts)


def test_half_of_the_images_are_mirrored() -> None:
    image = torch.arange(12.0).reshape(1, 3, 4)
    batch = random_flip(image.expand(4_000, 1, 3, 4), torch.Generator().manual_seed(0))
    mirrored = (batch == image.flip(-1)).all(dim=(1, 2, 3)).sum()
    kept = (batch == image).all(dim=(1, 2, 3)).sum()
    assert int(mirrored + kept) == 4_000
    assert 1_850 < int(mirrored) < 2_150
