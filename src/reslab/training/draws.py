"""What chance decides of a run's steps, drawn ahead on the CPU and copied to the device at once.

Every number is a pure function of seed and step, so all devices, resumed runs and recorded steps
see the same images in the same order, cropped and mirrored alike.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from reslab.data.augment import draw_flips, draw_places
from reslab.data.batches import BatchOrder
from reslab.data.seeds import derive_seed
from reslab.training.recipe import Recipe


@dataclass(frozen=True)
class Draws:
    """The choices of N consecutive steps, of B images each."""

    indices: Tensor
    """[N, B], int64: which images."""
    places: Tensor
    """[N, 2, B], int64: where each is cropped; zero where nothing is cropped."""
    flips: Tensor
    """[N, B], bool: which are mirrored."""

    def __len__(self) -> int:
        return len(self.indices)

    def at(self, position: Tensor) -> "Draws":
        """Those of one step, without the first dimension; `position` ([1], int64) may be anywhere.

        Nothing waits for the device to say which step it is.
        """
        chosen = (t.index_select(0, position)[0] for t in (self.indices, self.places, self.flips))
        return Draws(*chosen)

    def overwrite(self, draws: "Draws") -> None:
        """Put other, at most as many, steps' choices in the place of the first ones."""
        self.indices[: len(draws)].copy_(draws.indices)
        self.places[: len(draws)].copy_(draws.places)
        self.flips[: len(draws)].copy_(draws.flips)

    def take(self, images: range) -> "Draws":
        """The choices for some of each batch's images, by their place in it."""
        places = slice(images.start, images.stop)
        return Draws(self.indices[:, places], self.places[:, :, places], self.flips[:, places])

    def to(self, device: torch.device) -> "Draws":
        """The same choices on another device."""
        return Draws(self.indices.to(device), self.places.to(device), self.flips.to(device))


def allocate_draws(steps: int, batch_size: int) -> Draws:
    """Room for the choices of so many steps."""
    return Draws(
        torch.zeros(steps, batch_size, dtype=torch.int64),
        torch.zeros(steps, 2, batch_size, dtype=torch.int64),
        torch.zeros(steps, batch_size, dtype=torch.bool),
    )


def draw_steps(order: BatchOrder, recipe: Recipe, steps: range) -> Draws:
    """Draw the choices of some steps of the run that `order` belongs to, on the CPU."""
    draws = allocate_draws(len(steps), order.batch_size)
    for i, step in enumerate(steps):
        draws.indices[i] = order.indices(step)
        generator = torch.Generator().manual_seed(derive_seed(order.seed, "augment", step))
        if recipe.crop_padding:
            draws.places[i] = draw_places(order.batch_size, recipe.crop_padding, generator)
        if recipe.flip:
            draws.flips[i] = draw_flips(order.batch_size, generator)
    return draws
