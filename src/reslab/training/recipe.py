"""How a network is trained: the paper's recipe, and scaled copies of it."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from reslab.data.config import DATASET_SHAPES
from reslab.data.windows import RandomResizedCrop, ScaleJitter
from reslab.errors import ConfigError

Budget = Literal["smoke", "quick", "paper"]
Precision = Literal["float32", "tf32", "bfloat16"]

PAPER_STEPS = 64_000
BATCH_SIZE = 128
# `quick` on digits is where the search in docs/log.md found degradation clear and fast.
BUDGET_STEPS: dict[str, dict[Budget, int]] = {
    "digits": {"smoke": 10, "quick": 336, "paper": PAPER_STEPS},
    "cifar10": {"smoke": 3, "quick": 200, "paper": PAPER_STEPS},
    "cifar100": {"smoke": 3, "quick": 200, "paper": PAPER_STEPS},
}

_FROM_ONE = (
    "steps", "batch_size", "batch_parts", "log_every_steps", "test_every_steps",
    "train_error_every_steps", "checkpoint_every_steps",
)  # fmt: skip
_FROM_ZERO = ("crop_padding", "colour_shift", "warm_up_steps", "patience", "frozen_stages")
_SHARES = ("label_smoothing", "average_decay")


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """§4.2: deep nets start slowly, until their training error shows that they learn."""

    learning_rate: float = 0.01
    """Learning rate until then."""
    until_train_error_pct: float = 80.0
    """Ends when the running training error falls below this."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """SGD with momentum and a learning rate divided at milestones (He et al. 2016, §3.4, §4.2)."""

    steps: int
    """Updates of the weights."""
    batch_size: int = BATCH_SIZE
    """Images in each update."""
    batch_parts: int = 1
    """Parts that a batch is split into, each normalised by its own BN statistics: 2 in the paper,
    which trained on two GPUs (§4.2). The running statistics follow the first part."""
    learning_rate: float = 0.1
    """Before the first milestone."""
    schedule: Literal["milestones", "plateau", "cosine"] = "milestones"
    """When the learning rate falls: at the milestones; when the error no longer does (§3.4); or at
    every step, along half a cosine to zero (Loshchilov and Hutter 2017)."""
    milestones: tuple[int, ...] = ()
    """Steps after which the learning rate is divided by `division`."""
    division: float = 10.0
    """See `milestones` and `patience`."""
    patience: int = 5
    """On `plateau` the rate is divided after more evaluations than these without a lower error: of
    the validation part, or else the running training error. The test part is never asked."""
    warm_up_steps: int = 0
    """The learning rate rises in a straight line over so many steps (Goyal et al. 2017)."""
    warm_up: WarmUp | None = None
    """A slow start, for 110 layers and more."""
    momentum: float = 0.9
    """Of SGD."""
    weight_decay: float = 1e-4
    """Added to the gradient as `weight_decay` times the parameter."""
    decayed: Literal["all", "weights"] = "all"
    """`all` parameters, as in the authors' Caffe; or only `weights`, sparing BN and biases."""
    crop_padding: int = 4
    """Pixels of padding before the random crop; 0 does not crop."""
    flip: bool = True
    """Mirror half of the images."""
    view: ScaleJitter | RandomResizedCrop | None = None
    """How a window is cut from images that are decoded while training, in place of `crop_padding`
    and `flip`; None for data sets held in memory."""
    normalise: Literal["pixel", "channel"] = "pixel"
    """What is subtracted: the mean image, as in the paper, or each channel's mean, and then each
    channel is divided by its standard deviation."""
    colour_shift: float = 0.0
    """Strength of AlexNet's colour augmentation, 0.1 in the paper (§3.4); needs `view`."""
    label_smoothing: float = 0.0
    """Share of the target that is spread evenly over all classes (Szegedy et al. 2016)."""
    average_decay: float | None = None
    """Evaluate and keep an exponential moving average of the weights with this decay a step."""
    frozen_stages: int = 0
    """Stem and so many stages keep the weights they start with."""
    precision: Precision = "float32"
    """In which numbers forward and backward pass multiply; `tf32` and `bfloat16` round more and are
    faster on a GPU. Weights, BN statistics, updates and evaluations are float32 all the same."""
    log_every_steps: int = 1
    """How often running loss and error are written down."""
    test_every_steps: int = 1
    """How often the test set (and the validation set) is evaluated; the last step always is."""
    train_error_every_steps: int = 1
    """How often the training set is evaluated; the last step always is."""
    evaluation_images: int | None = None
    """At most so many images of each set are evaluated, always the same; None is all of them."""
    checkpoint_every_steps: int = 1
    """How often the state is saved; the last step always is."""

    def __post_init__(self) -> None:
        self._check_ranges()
        if self.batch_size % self.batch_parts:
            raise ConfigError(
                f"batch_parts is {self.batch_parts}, which does not divide the batch of "
                f"{self.batch_size} into equal parts"
            )
        if not self.learning_rate > 0 or not self.division > 0:
            raise ConfigError(
                f"learning_rate ({self.learning_rate}) and division ({self.division}) must be "
                "positive"
            )
        if self.view is not None and (self.crop_padding or self.flip):
            raise ConfigError("a view crops and mirrors: set crop_padding to 0 and flip to false")
        if self.view is None and self.colour_shift:
            raise ConfigError("colour_shift needs images that are decoded while training")

    def _check_ranges(self) -> None:
        for name in _FROM_ONE:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be at least 1")
        for name in _FROM_ZERO:
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be 0 or more")
        for name in _SHARES:
            if not 0 <= (getattr(self, name) or 0) < 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}, must be at least 0 and less than 1"
                )


def paper_recipe(depth: int) -> Recipe:
    """§4.2 on CIFAR-10: 64k steps of 128, learning rate 0.1 divided by 10 at 32k and 48k.

    110 layers and more start at 0.01 until the training error is below 80 %.
    """
    return Recipe(
        steps=PAPER_STEPS,
        milestones=(32_000, 48_000),
        warm_up=WarmUp() if depth >= 110 else None,
        log_every_steps=320,
        test_every_steps=3_200,
        train_error_every_steps=16_000,
        checkpoint_every_steps=3_200,
    )


def scale_recipe(recipe: Recipe, steps: int) -> Recipe:
    """The same recipe over another number of steps, with everything counted in steps in proportion.

    Raises:
        ConfigError: if `steps` is less than 1.
    """

    def scale(count: int) -> int:
        return max(1, round(count * steps / recipe.steps))

    return replace(
        recipe,
        steps=steps,
        milestones=tuple(scale(milestone) for milestone in recipe.milestones),
        warm_up_steps=scale(recipe.warm_up_steps) if recipe.warm_up_steps else 0,
        log_every_steps=scale(recipe.log_every_steps),
        test_every_steps=scale(recipe.test_every_steps),
        train_error_every_steps=scale(recipe.train_error_every_steps),
        checkpoint_every_steps=scale(recipe.checkpoint_every_steps),
    )


def recipe_for(data: str, depth: int, steps: int) -> Recipe:
    """The paper's recipe for a data set, scaled to `steps`.

    On the 8×8 digits the crop's padding is 1 pixel, an eighth of the side as on CIFAR-10, and there
    is no flip, which would turn a digit into another sign.
    """
    shape = DATASET_SHAPES[data]
    recipe = scale_recipe(paper_recipe(depth), steps)
    recipe = schedule_evaluations(recipe, shape.train_count, shape.test_count)
    return replace(recipe, crop_padding=1, flip=False) if data == "digits" else recipe


def schedule_evaluations(recipe: Recipe, train_count: int, test_count: int) -> Recipe:
    """Evaluate at most 20 times, and so that it costs little beside the training.

    A forward pass costs about a third of a training step on the same images, so `seen` × 0.15
    images evaluated are 5 % of the run. Budgets too short for the whole of a set take a part of it.
    """
    seen = recipe.steps * recipe.batch_size
    limit = max(1_000, int(0.15 * seen))
    train_evaluations = int(0.15 * seen / min(limit, train_count))
    test_evaluations = int(0.3 * seen / min(limit, test_count))
    return replace(
        recipe,
        test_every_steps=math.ceil(recipe.steps / min(max(test_evaluations, 5), 20)),
        train_error_every_steps=math.ceil(recipe.steps / min(max(train_evaluations, 1), 20)),
        evaluation_images=None if limit >= max(train_count, test_count) else limit,
    )


def budget_steps(data: str, budget: Budget) -> int:
    """Steps of a named budget on a data set."""
    return BUDGET_STEPS[data][budget]
