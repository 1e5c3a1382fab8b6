"""Runs small enough for a test."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reslab.data.config import DataConfig
from reslab.training.plan import plan_network, plan_run
from reslab.training.run_config import ExecutionConfig, RunConfig

MakeConfig = Callable[..., RunConfig]


@pytest.fixture
def make_config() -> MakeConfig:
    """A run of an 8-layer net on the digits, seconds long."""

    def make(name: str = "resnet8", *, steps: int = 12, seed: int = 0, **changes: Any) -> RunConfig:
        data = DataConfig(name="digits")
        config = plan_run(
            plan_network(name, data, width=4),
            data,
            steps=steps,
            seed=seed,
            execution=ExecutionConfig(device="cpu", threads=1),
        )
        changes = {"batch_size": 32, "evaluation_images": None} | changes
        return replace(config, recipe=replace(config.recipe, **changes))

    return make
