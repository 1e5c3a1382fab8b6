"""All that determines a run, resolved to the last default."""

from dataclasses import dataclass, field
from typing import Any, Literal

from reslab.data.config import DataConfig
from reslab.errors import ConfigError
from reslab.files.documents import digest_document, from_document, to_document
from reslab.networks.config import NetworkConfig
from reslab.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class ExecutionConfig:
    """Where and how a run is carried out; changes its speed, not what is measured."""

    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`; `auto` takes a GPU where there is one."""
    threads: int | None = None
    """CPU threads of each rank; None is one for several ranks, and else leaves PyTorch's choice. On
    a CPU the bits depend on it, hence stored."""
    ranks: int = 1
    """Processes on this machine's CPU that share the run, each computing as many of the batch's
    parts as the others."""
    compile: Literal["auto", "never", "always"] = "auto"
    """Whether `torch.compile` makes the step; `auto` does on a CPU where it pays back within the
    run. Compiled and eager steps agree to rounding, not to the bit."""
    recompute: Literal["auto", "never", "always"] = "auto"
    """Whether blocks are computed anew for the backward pass instead of being kept: less memory,
    a third to a half more time, the same bits. `auto` does on a GPU where they would not fit."""
    capture: Literal["auto", "never", "always"] = "auto"
    """Whether the step is recorded once as a CUDA graph and then replayed, which spares the host
    its launches; `auto` does on a CUDA GPU. Elsewhere there is nothing to record: `always` then
    prepares the step as for a recording and calls it."""
    data_root: str | None = None
    """Folder of the data set's files."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run: one network, trained once."""

    network: NetworkConfig
    data: DataConfig
    recipe: Recipe
    seed: int = 0
    """Decides initial weights, order of images and augmentation."""
    execution: ExecutionConfig = field(default_factory=ExecutionConfig)

    def __post_init__(self) -> None:
        ranks, parts = self.execution.ranks, self.recipe.batch_parts
        if ranks < 1 or parts % ranks:
            raise ConfigError(
                f"ranks is {ranks}, which does not divide the batch's {parts} parts equally: take "
                "as many ranks as batch_parts, or 1"
            )

    @property
    def digest(self) -> str:
        """SHA-256 of what is measured: everything but `execution`."""
        document = to_document(self)
        del document["execution"]
        # So runs of the time before there was a choice keep their digest.
        if self.recipe.precision == "float32":
            del document["recipe"]["precision"]
        return digest_document(document)

    def to_document(self) -> dict[str, Any]:
        """The configuration in plain JSON types."""
        return to_document(self)


def run_config_from(document: Any, origin: str) -> RunConfig:
    """Decode a stored configuration.

    Raises:
        ConfigError: if a key is unknown or missing, or a value has the wrong type.
    """
    return from_document(document, RunConfig, origin)
