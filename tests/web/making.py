"""Runs that the tests of the page are about."""

from pathlib import Path

from reslab.data.config import DataConfig
from reslab.runs.directory import RunDirectory
from reslab.training.plan import plan_network, plan_run
from reslab.training.run_config import ExecutionConfig, RunConfig


def plan(network: str = "resnet8", *, steps: int, seed: int = 0) -> RunConfig:
    """A small run on digits."""
    data = DataConfig(name="digits")
    return plan_run(
        plan_network(network, data, width=4),
        data,
        steps=steps,
        seed=seed,
        execution=ExecutionConfig(device="cpu", threads=1),
    )


def make_run(folder: Path, *, steps: int, seed: int = 0) -> RunConfig:
    """A run that has begun and not been measured."""
    config = plan(steps=steps, seed=seed)
    document = {"digest": config.digest, "config": config.to_document()}
    RunDirectory(folder).begin(document, {})
    return config
