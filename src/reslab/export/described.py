"""What the runtimes of exported files have in common; free of PyTorch."""

from reslab.export.description import Description
from reslab.networks.geometry import ImageGeometry


class DescribedRuntime:
    """A network that its file describes; subclasses compute `logits`."""

    description: Description

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name for each output."""
        return self.description.class_names

    @property
    def geometry(self) -> ImageGeometry:
        """How an image becomes what the network sees."""
        return self.description.geometry
