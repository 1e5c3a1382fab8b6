"""A run in memory: network, optimiser, data and how far it has come."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Self, cast

import torch
from torch import Tensor, nn

from reslab.data.augment import crop_at, flip_where
from reslab.data.batches import BatchOrder
from reslab.evaluation.accuracy import Accuracy
from reslab.networks.freezing import freeze
from reslab.training.averaging import WeightAverage
from reslab.training.beginning import begin_classifier
from reslab.training.draws import Draws
from reslab.training.gradients import share_gradients
from reslab.training.images import Part, TrainingImages
from reslab.training.memory import must_recompute
from reslab.training.precision import check_precision, float32_products
from reslab.training.ranks import ALONE, Ranks, watched
from reslab.training.run_config import RunConfig
from reslab.training.schedule import Progress
from reslab.training.step import (
    add_gradients,
    build_optimizer,
    running_statistics,
    set_learning_rate,
    take_step,
)
from reslab.training.stretch import Stretch
from reslab.training.synchronised_norm import synchronise_norms

WARM_UP_STEPS = 3


@dataclass
class Window:
    """Sums over the steps since the last log record, kept on the device."""

    loss: Tensor = field(default_factory=lambda: torch.zeros(()))
    """Sum of the steps' mean losses."""
    wrong: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.int64))
    """Wrong answers."""
    steps: int = 0

    def reset(self) -> None:
        """Start again at zero, in the same memory."""
        self.loss.zero_()
        self.wrong.zero_()
        self.steps = 0


class TrainingSession:
    """All that changes while a run trains.

    Args:
        config: the run.
        images: what it trains on; closed with the session.
        device: where to compute.
        ranks: this process's place among those that share the run.

    Raises:
        ConfigError: if the device does not have the recipe's precision.
    """

    def __init__(
        self,
        config: RunConfig,
        images: TrainingImages,
        device: torch.device,
        ranks: Ranks = ALONE,
    ) -> None:
        check_precision(config.recipe.precision, device)
        self.config = config
        self.images = images
        self.device = device
        self.ranks = ranks
        # Channels last: 1.15 to 1.2 times as fast on a CPU, and what a GPU's tensor cores want.
        self.classifier = begin_classifier(config, images).to(device)
        synchronise_norms(self.classifier.network, ranks, config.recipe.batch_parts)
        self.classifier.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.classifier.network.checkpoint_activations = must_recompute(config, device)
        self._frozen = freeze(self.classifier.network, config.recipe.frozen_stages)
        self.compiled: bool | None = None
        """Whether the step is compiled; None while that is not decided."""
        self._forward: nn.Module = self.classifier.network
        self.optimizer = build_optimizer(self.classifier.network, config.recipe)
        decay = config.recipe.average_decay
        self.average = None if decay is None else WeightAverage(self.classifier.network, decay)
        self.order = BatchOrder(images.train_count, config.recipe.batch_size, config.seed)
        self._stretch = Stretch(config.recipe, self.order, device, ranks)
        self._take_one: Callable[[], None] = self._step
        self.step = 0
        self.progress = Progress()
        self.window = Window(
            loss=torch.zeros((), device=device),
            wrong=torch.zeros((), dtype=torch.int64, device=device),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.images.close()

    def advance(self) -> None:
        """Take one step; nothing waits for the device."""
        self._reach()
        self._take_one()
        self.window.steps += 1
        self.step += 1
        if self.device.type != "cpu" and self.step == self._stretch.steps.stop:
            self._stretch.draw_ahead()

    def compile(self) -> None:
        """Compile forward and backward pass of the training step; evaluation stays as it is.

        Raises:
            RuntimeError: if that is not possible here.
        """
        # PyTorch keeps at most 8 variants of a function, here of every network's forward pass, and
        # runs further ones eagerly: a process that trains many networks would not notice.
        torch.compiler.reset()
        network = self.classifier.network.train()
        forward = cast("nn.Module", torch.compile(network, dynamic=False))
        self._try_out(forward)
        self._forward = forward

    def share_gradients(self) -> None:
        """Let the ranks sum their gradients from here on; the step is compiled before, if at all.

        Raises:
            RankLostError: if a rank is lost.
        """
        if self.ranks.size == 1:
            return
        with watched():
            self._forward = share_gradients(self._forward)
            # It orders its messages by the first backward pass, and sums depend on their order to
            # the last bit. So a run that goes on is given one, as it was when it began.
            self._try_out(self._forward)

    def take_steps_by(
        self,
        record: Callable[
            [Callable[[], None], Callable[[], None], torch.device], Callable[[], None]
        ],
    ) -> None:
        """Take the steps from here on as `record` makes them: see `capturing.record`.

        Raises:
            RuntimeError: if that is not possible here; the steps are then taken as before.
        """
        self._reach()
        self._take_one = record(self._step, self._warm_up, self.device)

    def evaluate(self, part: Part) -> Accuracy | None:
        """Error of the network as it stands on a part of the data, in evaluation mode.

        Where the recipe averages the weights, it is the average that is evaluated. None where the
        data has no such part.
        """
        with float32_products("float32", self.device), self.averaged():
            self.ranks.copy_from_first(list(self.classifier.network.buffers()))
            return self.images.evaluate(part, self.classifier.eval(), self.ranks)

    def averaged(self) -> AbstractContextManager[None]:
        """Within it the network has the weights that the run is judged by and leaves behind."""
        return nullcontext() if self.average is None else self.average.standing_in()

    def _try_out(self, forward: nn.Module) -> None:
        """Compute a gradient as the next step will, and leave no trace of it."""
        self._reach()
        self._begin_training()
        with self._products(), running_statistics(self.classifier.network, follow=False):
            batch = self._make_batch(self._stretch.read()[0])
            count = self.ranks.count_pieces(self.config.recipe.batch_parts)
            inputs, labels = (tensor.chunk(count)[0] for tensor in batch)
            add_gradients(forward, inputs, labels, self.config.recipe, count)
        self.optimizer.zero_grad(set_to_none=True)

    def _reach(self) -> None:
        """Have what the next step needs on the device."""
        if self.step not in self._stretch.steps or self._stretch.progress != self.progress:
            self._stretch.load(self.step, self.progress)

    def _begin_training(self) -> None:
        self.classifier.train()
        for module in self._frozen:
            module.eval()

    def _step(self) -> None:
        """One step: all that it reads and writes lies on the device, always in the same place."""
        recipe = self.config.recipe
        self._begin_training()
        draws, learning_rate = self._stretch.read()
        inputs, labels = self._make_batch(draws)
        set_learning_rate(self.optimizer, learning_rate)
        with self._products():
            loss, wrong = take_step(
                self._forward, self.optimizer, inputs, labels, recipe, self.ranks
            )
        if self.average is not None:
            self.average.follow()
        self.window.loss += loss
        self.window.wrong += wrong
        self._stretch.position += 1

    def _products(self) -> AbstractContextManager[None]:
        return float32_products(self.config.recipe.precision, self.device)

    def _make_batch(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """Inputs and labels of one step."""
        recipe = self.config.recipe
        images, labels = self.images.read(self.step, draws)
        inputs = self.classifier.preprocessing(images)
        if recipe.crop_padding:
            inputs = crop_at(inputs, recipe.crop_padding, draws.places)
        if recipe.flip:
            inputs = flip_where(inputs, draws.flips)
        return inputs.contiguous(memory_format=torch.channels_last), labels

    def _warm_up(self) -> None:
        """Take the next step a few times, and put everything back as it was."""
        kept = [(tensor, tensor.detach().clone()) for tensor in self._changing_tensors()]
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            for _ in range(WARM_UP_STEPS):
                self._step()
                self._stretch.position -= 1
        self.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for tensor, value in kept:
                tensor.copy_(value)

    def _changing_tensors(self) -> list[Tensor]:
        """All that a step changes."""
        network = self.classifier.network
        momentum = [state["momentum_buffer"] for state in self.optimizer.state.values()]
        sums = [self.window.loss, self.window.wrong]
        average = [] if self.average is None else list(self.average.tensors.values())
        return [*network.parameters(), *network.buffers(), *momentum, *average, *sums]
