"""What a measurement is made on, as the measuring functions see it."""

from typing import Protocol

import torch

from reslab.data.dataset import Dataset, LabelledImages
from reslab.networks.classifier import Classifier
from reslab.training.run_config import RunConfig


class Subject(Protocol):
    """A trained net, or a run, with its data set and device."""

    @property
    def dataset(self) -> Dataset:
        """The data set, loaded when first asked for."""

    @property
    def classifier(self) -> Classifier:
        """The trained net, in evaluation mode on `device`."""

    @property
    def config(self) -> RunConfig | None:
        """The run; None for a file of weights."""

    @property
    def device(self) -> torch.device:
        """Where to compute."""


def take_images(part: LabelledImages, count: int, device: torch.device) -> LabelledImages:
    """At most `count` images spread evenly over a part, the same ones every time."""
    if count < len(part):
        part = part.select(torch.linspace(0, len(part) - 1, count).long())
    return part.to(device)
