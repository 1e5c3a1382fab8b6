"""Images decoded as a run needs them, by worker processes: data sets larger than memory."""

from collections.abc import Callable, Generator, Iterator
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reslab.data.augment_colour import draw_lighting, measure_channels, shift_colours
from reslab.data.batches import BatchOrder
from reslab.data.broken_images import BrokenImages
from reslab.data.filling import UNREADABLE, LoaderSource
from reslab.data.image_set import ImageCollection
from reslab.data.loading import Batch, ImageLoader
from reslab.data.requests import Request, Shard, plan_evaluation, plan_training
from reslab.data.seeds import derive_seed
from reslab.data.windows import CentreView, View
from reslab.errors import ConfigError
from reslab.evaluation.accuracy import Accuracy, AccuracySums, summarise_totals
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.runs.executor import count_cores
from reslab.training.draws import Draws
from reslab.training.images import Part
from reslab.training.normalising import fit_preprocessing
from reslab.training.ranks import Ranks
from reslab.training.run_config import RunConfig

SAMPLED = 1_000
"""Training images whose central crops tell mean, deviation and colours."""
EVALUATION_BATCH = 128

TRAINING_VIEW = "training view"
"""The loader's source of augmented training images; the others are named after the parts."""


class StreamedImages:
    """Images of one's own.

    Args:
        collection: where the images are.
        config: the run; its recipe has a view.
        geometry: of the images when evaluating.
        device: where the batches go.
        ranks: which share of each batch is this process's.

    Raises:
        ConfigError: if the recipe is one for images in memory.
    """

    fixed_memory = False

    def __init__(
        self,
        collection: ImageCollection,
        config: RunConfig,
        geometry: ImageGeometry,
        device: torch.device,
        ranks: Ranks,
    ) -> None:
        recipe = config.recipe
        if recipe.view is None:
            raise ConfigError(
                "the recipe has no view, so it is for images in memory: take one of paper, modern "
                "or fine-tune"
            )
        train = collection.parts["train"]
        self.name = config.data.name
        self.class_names = collection.class_names
        self.geometry = geometry
        self.train_count = len(train)
        self.device = device
        self._config = config
        self._counts = {part: len(images) for part, images in collection.parts.items()}
        self._order = BatchOrder(self.train_count, recipe.batch_size, config.seed)
        self._shard = Shard(rank=ranks.rank, ranks=ranks.size)
        centre = CentreView(size=geometry.crop, shorter=cast("int", geometry.resize))
        sources = {part: LoaderSource(images, centre) for part, images in collection.parts.items()}
        self._broken = BrokenImages(
            total=sum(self._counts.values()), max_share=config.execution.max_broken_share
        )
        workers = config.execution.workers
        self._loader = ImageLoader(
            {**sources, TRAINING_VIEW: LoaderSource(train, recipe.view)},
            max(recipe.batch_size, EVALUATION_BATCH),
            workers=max(1, count_cores() // ranks.size) if workers is None else workers,
            device=device,
            broken=self._broken,
        )
        self._batches = self._loader.load([])
        self._expected: int | None = None
        self._latest: Batch | None = None
        self._measured: Tensor | None = None
        self._told = 0
        self._colours = measure_channels([self._read_sample()]) if recipe.colour_shift else None

    @property
    def waited_seconds(self) -> float:
        """How long steps have waited for images, evaluations left out."""
        return self._loader.waited_seconds

    def measure_preprocessing(self) -> Preprocessing:
        """Measured on the central crops of at most `SAMPLED` training images."""
        normalise = self._config.recipe.normalise
        return fit_preprocessing(self._read_sample(), self.geometry, normalise)

    def read(self, step: int, draws: Draws) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """The images of a step, cropped, mirrored and recoloured; `draws` is not looked at."""
        if self._latest is None or self._latest.step != step:
            self._latest = self._load(step)
        return self._recolour(self._latest), self._latest.labels

    def evaluate(
        self, part: Part, classify: Callable[[Tensor], Tensor], ranks: Ranks
    ) -> Accuracy | None:
        """The central crops of a part; images that cannot be read do not count."""
        if part not in self._counts:
            return None
        waited = self._loader.waited_seconds
        sums = AccuracySums(self.device)
        for batch in self._start(
            plan_evaluation(part, self._choose(part), EVALUATION_BATCH, self._shard)
        ):
            whole = batch.labels != UNREADABLE
            sums.add(classify, batch.images[whole], batch.labels[whole])
        self._loader.waited_seconds = waited
        totals = sums.totals()
        ranks.add_up([totals])
        return summarise_totals(totals)

    def list_problems(self) -> list[str]:
        """Images that could not be read, by name, with the reason."""
        return [f"{image.name}: {image.problem}" for image in self._broken.images.values()]

    def take_news(self) -> list[str]:
        """Those of them that were met since the last call."""
        problems = self.list_problems()
        news, self._told = problems[self._told :], len(problems)
        return news

    def close(self) -> None:
        """End the processes."""
        self._batches.close()
        self._loader.close()

    def _load(self, step: int) -> Batch:
        """The batch of a step, which is the next one unless an evaluation came between."""
        batch = next(self._batches, None) if self._expected == step else None
        if batch is None:
            recipe = self._config.recipe
            steps = range(step, recipe.steps)
            draws = cast("View", recipe.view).draws
            requests = plan_training(TRAINING_VIEW, self._order, draws, steps, self._shard)
            batch = next(self._start(requests))
        self._expected = step + 1
        return batch

    def _start(self, requests: Iterator[Request]) -> Generator[Batch, None, None]:
        """Load other batches than those under way."""
        self._batches.close()
        self._expected = None
        self._batches = self._loader.load(requests)
        return self._batches

    def _choose(self, part: Part) -> NDArray[np.int64]:
        """At most `Recipe.evaluation_images` of a part, always the same."""
        return _sample(self._counts[part], self._config.recipe.evaluation_images)

    def _read_sample(self) -> Tensor:
        """Central crops of the training images that mean and colours are measured on."""
        if self._measured is None:
            requests = plan_evaluation(
                "train", _sample(self.train_count, SAMPLED), EVALUATION_BATCH
            )
            crops = [
                batch.images[batch.labels != UNREADABLE].cpu() for batch in self._start(requests)
            ]
            self._measured = torch.cat(crops)
        return self._measured

    def _recolour(self, batch: Batch) -> Tensor:
        if self._colours is None:
            return batch.images
        generator = torch.Generator().manual_seed(
            derive_seed(self._config.seed, "colours", batch.step)
        )
        drawn = draw_lighting(self._order.batch_size, generator, self._config.recipe.colour_shift)
        mine = drawn.chunk(self._shard.ranks)[self._shard.rank]
        return 255 * shift_colours(batch.images / 255, mine, self._colours)


def _sample(count: int, limit: int | None) -> NDArray[np.int64]:
    if limit is None or limit >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:limit])
