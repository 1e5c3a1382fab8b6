"""An exponential moving average of a network's weights (Polyak and Juditsky 1992)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """A second set of weights and BN statistics, which follows a network's slowly.

    Args:
        network: stays where it is; the average begins with its present values.
        decay: what is kept of the average at each step.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self._followed = _list_floats(network)
        self.tensors = {name: tensor.clone() for name, tensor in self._followed.items()}
        """By their names in the network."""

    @torch.no_grad()
    def follow(self) -> None:
        """Take a step towards the network as it is now."""
        torch._foreach_lerp_(
            list(self.tensors.values()), list(self._followed.values()), 1 - self.decay
        )

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from stored values, in the memory that the average has."""
        for name, tensor in self.tensors.items():
            tensor.copy_(tensors[name])

    @contextmanager
    def standing_in(self) -> Iterator[None]:
        """Within it the network has the average's values."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, tensor in self._followed.items():
            kept = tensor.clone()
            tensor.copy_(self.tensors[name])
            self.tensors[name].copy_(kept)


def _list_floats(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and BN statistics; BN's counter of batches is a whole number and stays."""
    tensors = [*network.named_parameters(), *network.named_buffers()]
    return {name: tensor.data for name, tensor in tensors if tensor.is_floating_point()}
