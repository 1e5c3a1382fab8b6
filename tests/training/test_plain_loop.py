"""The first 50 losses are those of a loop written the plain way."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from reslab.data.augment import random_crop
from reslab.data.batches import BatchOrder
from reslab.data.load import compute_per_pixel_mean, load_dataset
from reslab.data.seeds import derive_seed
from reslab.networks.resnet import build_network
from reslab.runs.directory import RunDirectory
from reslab.training.loop import train
from reslab.training.run_config import RunConfig
from reslab.training.schedule import Progress, learning_rate_at
from tests.training.conftest import MakeConfig


def train_plainly(config: RunConfig) -> list[float]:
    """Channels first, no fused update, every activation in memory of its own."""
    network = build_network(config.network, derive_seed(config.seed, "weights")).train()
    recipe, data = config.recipe, load_dataset("digits").train
    mean = compute_per_pixel_mean(data.images)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=1, momentum=recipe.momentum, weight_decay=recipe.weight_decay,
        foreach=False, fused=False,
    )  # fmt: skip
    order, losses = BatchOrder(len(data), recipe.batch_size, config.seed), []
    for step in range(recipe.steps):
        batch = data.select(order.indices(step))
        generator = torch.Generator().manual_seed(derive_seed(config.seed, "augment", step))
        images = random_crop(batch.images / 255 - mean, recipe.crop_padding, generator)
        # Asking for responses keeps each as it was, so nothing is computed in place.
        logits, _ = network(images.contiguous(), return_responses=True)
        loss = F.cross_entropy(logits, batch.labels)
        optimizer.param_groups[0]["lr"] = learning_rate_at(recipe, step, Progress(warmed_up=True))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", ["resnet8", "plain8"])
def test_the_fast_step_gives_the_losses_of_the_plain_one(
    name: str, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(name, steps=50, log_every_steps=1)
    train(config, tmp_path / "run")
    records = RunDirectory(tmp_path / "run").read_metrics()
    losses = [record["loss"] for record in records if record["kind"] == "train"]
    plain = train_plainly(config)
    assert losses[:5] == pytest.approx(plain[:5], rel=1e-5)
    # Rounding errors grow from step to step at a learning rate of 0.1.
    assert losses == pytest.approx(plain, rel=1e-3)
