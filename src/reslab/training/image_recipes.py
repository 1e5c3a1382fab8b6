"""How networks are trained on photographs: as in the paper, as is usual now, or fine-tuned."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from reslab.data.windows import RandomResizedCrop, ScaleJitter
from reslab.training.recipe import Recipe

RecipeName = Literal["paper", "modern", "fine-tune"]

EVALUATIONS = 100
TRAIN_EVALUATIONS = 4
MAX_LOG_STEPS = 100
MAX_CHECKPOINT_STEPS = 1_000

EPOCHS: dict[RecipeName, float] = {"paper": 120.0, "modern": 100.0, "fine-tune": 30.0}
"""Length where none is given: 60×10⁴ steps of 256 are 120 passes over ImageNet (§3.4)."""


def imagenet_recipe(steps: int, image_size: int = 224) -> Recipe:
    """§3.4: batches of 256, learning rate 0.1 divided by 10 when the error no longer falls.

    The shorter side is resized to between 256 and 480 pixels, for other image sizes in proportion;
    crop, mirroring and AlexNet's colour augmentation follow, and the mean image is subtracted.
    """
    return Recipe(
        steps=steps,
        batch_size=256,
        schedule="plateau",
        crop_padding=0,
        flip=False,
        view=ScaleJitter(
            size=image_size,
            shortest=round(image_size * 256 / 224),
            longest=round(image_size * 480 / 224),
        ),
        colour_shift=0.1,
    )


def modern_recipe(steps: int, image_size: int = 224) -> Recipe:
    """What is usual since about 2018 (Goyal et al. 2017, He et al. 2019), in place of §3.4.

    Cosine schedule after a warm-up of a twentieth of the run, random resized crops, label
    smoothing, weight decay on weights alone, bfloat16 products, and an average of the weights over
    about the last hundredth of the run. Networks take the stride on the 3×3 (`resnet50-v1.5`).
    """
    return Recipe(
        steps=steps,
        batch_size=256,
        schedule="cosine",
        warm_up_steps=steps // 20,
        decayed="weights",
        crop_padding=0,
        flip=False,
        view=RandomResizedCrop(size=image_size),
        normalise="channel",
        label_smoothing=0.1,
        precision="bfloat16",
        average_decay=1 - 1 / max(1.0, steps / 100),
    )


def fine_tuning_recipe(steps: int, image_size: int = 224) -> Recipe:
    """From trained weights to other classes: a new head, and a tenth of the learning rate.

    Milder crops than from scratch, cosine schedule after a warm-up of a twentieth of the run, label
    smoothing. Pixels are normalised as the weights expect, whatever `normalise` says.
    """
    return Recipe(
        steps=steps,
        batch_size=64,
        learning_rate=0.01,
        schedule="cosine",
        warm_up_steps=steps // 20,
        decayed="weights",
        crop_padding=0,
        flip=False,
        view=RandomResizedCrop(size=image_size, area=(0.25, 1.0)),
        normalise="channel",
        label_smoothing=0.1,
    )


IMAGE_RECIPES: dict[RecipeName, Callable[[int, int], Recipe]] = {
    "paper": imagenet_recipe,
    "modern": modern_recipe,
    "fine-tune": fine_tuning_recipe,
}


def schedule_image_evaluations(recipe: Recipe, train_count: int) -> Recipe:
    """Evaluate after each pass over the images, on small sets more rarely.

    The training part is evaluated four times in a run, as that costs a third of a pass each.
    """
    per_epoch = math.ceil(train_count / recipe.batch_size)
    test_every = min(recipe.steps, max(per_epoch, math.ceil(recipe.steps / EVALUATIONS)))
    return replace(
        recipe,
        log_every_steps=min(MAX_LOG_STEPS, max(1, recipe.steps // 200)),
        test_every_steps=test_every,
        train_error_every_steps=math.ceil(recipe.steps / TRAIN_EVALUATIONS),
        checkpoint_every_steps=min(test_every, MAX_CHECKPOINT_STEPS),
    )
