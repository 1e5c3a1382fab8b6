"""The trackers by name."""

from collections.abc import Sequence
from importlib import import_module
from typing import cast

from reslab.errors import ConfigError
from reslab.tracking.tracker import Tracker

# Each is imported in the process that tracks, and nowhere else.
HOMES = {
    "tensorboard": ("reslab.tracking.tensorboard", "TensorBoard"),
    "wandb": ("reslab.tracking.wandb", "WeightsAndBiases"),
    "mlflow": ("reslab.tracking.mlflow", "MLflow"),
    "trackio": ("reslab.tracking.trackio", "Trackio"),
}

NO_TELEMETRY = {
    "WANDB_ERROR_REPORTING": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "true",
}
"""What keeps these packages from telling their makers about their use."""


def check_names(names: Sequence[str]) -> None:
    """See that each name is a tracker's, named once.

    Raises:
        ConfigError: if not.
    """
    for name in names:
        if name not in HOMES:
            raise ConfigError(f"there is no tracker called {name!r}: choose of {', '.join(HOMES)}")
    if len(set(names)) < len(names):
        raise ConfigError(f"{','.join(names)} names a tracker twice: name each once")


def open_tracker(name: str) -> Tracker:
    """The tracker called `name`.

    Raises:
        ImportError: if its package is not installed.
    """
    module, tracker = HOMES[name]
    return cast("Tracker", getattr(import_module(module), tracker)())
