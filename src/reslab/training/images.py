"""The images of a run, as its session sees them: in memory, or decoded as they are needed."""

from collections.abc import Callable
from typing import Literal, Protocol

from torch import Tensor

from reslab.data.dataset import LabelledImages
from reslab.data.load import DataParts
from reslab.evaluation.accuracy import Accuracy
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.training.draws import Draws
from reslab.training.normalising import fit_preprocessing
from reslab.training.ranks import Ranks
from reslab.training.recipe import Recipe
from reslab.training.shared_evaluation import evaluate_shared

Part = Literal["train", "validation", "test"]


class TrainingImages(Protocol):
    """What a session asks of its images."""

    name: str
    """Of the data set."""
    class_names: tuple[str, ...]
    geometry: ImageGeometry
    """How an image becomes what a network is shown when it is evaluated."""
    train_count: int
    """Images trained on."""
    fixed_memory: bool
    """Whether a step's images always lie in the same place of the device."""

    @property
    def waited_seconds(self) -> float:
        """How long steps have waited for images, evaluations left out."""
        ...

    def measure_preprocessing(self) -> Preprocessing:
        """What a network should expect of such images, from the training part alone."""
        ...

    def read(self, step: int, draws: Draws) -> tuple[Tensor, Tensor]:
        """The images of a training step, on the device.

        Args:
            step: from 0; consecutive steps are fastest.
            draws: of that step.

        Returns:
            Pixels [B, C, H, W] of 0 to 255, uint8 or float, and labels [B], int64.
        """
        ...

    def evaluate(
        self, part: Part, classify: Callable[[Tensor], Tensor], ranks: Ranks
    ) -> Accuracy | None:
        """Pass over a part once; None where there is no such part."""
        ...

    def list_problems(self) -> list[str]:
        """Images that could not be read so far, each with its reason."""
        ...

    def take_news(self) -> list[str]:
        """Those of them that this did not return before."""
        ...

    def close(self) -> None:
        """Free what the images hold; nothing can be read afterwards."""
        ...


class HeldImages:
    """Images in the device's memory.

    Args:
        parts: on the device.
        recipe: of the run.
    """

    fixed_memory = True
    waited_seconds = 0.0

    def __init__(self, parts: DataParts, recipe: Recipe) -> None:
        self.name = parts.name
        self.class_names = parts.class_names
        self.train_count = len(parts.train)
        _, channels, height, _ = parts.train.images.shape
        self.geometry = ImageGeometry(
            resize=height, crop=height, channels=3 if channels == 3 else 1
        )
        self.parts = parts
        self._normalise = recipe.normalise
        self._evaluated = parts.limit(recipe.evaluation_images)

    def measure_preprocessing(self) -> Preprocessing:
        """Measured on the whole training part (§4.2)."""
        return fit_preprocessing(self.parts.train.images, self.geometry, self._normalise)

    def read(self, step: int, draws: Draws) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """The images that `draws` names; `step` is not looked at."""
        batch = self.parts.train.select(draws.indices)
        return batch.images, batch.labels

    def evaluate(
        self, part: Part, classify: Callable[[Tensor], Tensor], ranks: Ranks
    ) -> Accuracy | None:
        """At most `Recipe.evaluation_images` of a part, always the same."""
        data: LabelledImages | None = getattr(self._evaluated, part)
        return None if data is None else evaluate_shared(classify, data, ranks)

    def list_problems(self) -> list[str]:
        """None: all are decoded."""
        return []

    def take_news(self) -> list[str]:
        """None."""
        return []

    def close(self) -> None:
        """Nothing is open."""
