"""The steps up to the next log record: all that is known of them beforehand, on the device.

Nothing between two records changes what a step is given, except that an evaluation may show a
plateau. So the host draws and copies once for all of them, and a step finds its own by a counter on
the device.
"""

import torch
from torch import Tensor

from reslab.data.batches import BatchOrder
from reslab.training.draws import Draws, allocate_draws, draw_steps
from reslab.training.ranks import ALONE, Ranks
from reslab.training.recipe import Recipe
from reslab.training.schedule import Progress, learning_rate_at

# A bound on the room that they take, a few megabytes, where records are far apart.
MAX_STEPS = 1024


class Stretch:
    """Consecutive steps of a run, in memory that stays where it is.

    Args:
        recipe: of the run.
        order: of its images.
        device: where the steps are taken.
        ranks: who shares every batch; what is on the device is this rank's share.
    """

    def __init__(
        self, recipe: Recipe, order: BatchOrder, device: torch.device, ranks: Ranks = ALONE
    ) -> None:
        self.recipe = recipe
        self.order = order
        self.device = device
        self.steps = range(0)
        """The steps in place."""
        self.progress = Progress()
        """What their learning rates follow."""
        self.position = torch.zeros(1, dtype=torch.int64, device=device)
        """Which of them is next, [1]."""
        room = min(recipe.log_every_steps, MAX_STEPS)
        self._share = ranks.share(order.batch_size)
        self._draws = allocate_draws(room, len(self._share)).to(device)
        self._rates = torch.zeros(room, device=device)
        self._ahead: dict[range, Draws] = {}

    def load(self, step: int, progress: Progress) -> None:
        """Put the steps from `step` on in place, the first of them next."""
        self.steps, self.progress = self._steps_from(step), progress
        draws = self._ahead.pop(self.steps, None) or self._draw(self.steps)
        self._draws.overwrite(draws)
        rates = [learning_rate_at(self.recipe, s, progress) for s in self.steps]
        self._rates[: len(rates)].copy_(torch.tensor(rates))
        self.position.zero_()

    def draw_ahead(self) -> None:
        """Draw what follows these steps, while the device still computes them."""
        after = self._steps_from(self.steps.stop)
        self._ahead = {after: self._draw(after)}

    def read(self) -> tuple[Draws, Tensor]:
        """The choices and the learning rate ([]) of the next step; nothing waits for the device."""
        return self._draws.at(self.position), self._rates.index_select(0, self.position)[0]

    def _draw(self, steps: range) -> Draws:
        return draw_steps(self.order, self.recipe, steps).take(self._share)

    def _steps_from(self, step: int) -> range:
        until_record = self.recipe.log_every_steps - step % self.recipe.log_every_steps
        return range(step, step + min(until_record, MAX_STEPS))
