"""All that determines a run, resolved to the last default."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from reslab.data.config import DataConfig, ImageDataConfig
from reslab.files.documents import digest_document, from_document, to_document
from reslab.networks.config import NetworkConfig
from reslab.training.recipe import Recipe
from reslab.training.shares import check_shares

# Fields of later versions: at their defaults they are left out of the digest, so that a run of the
# time before there was a choice keeps the one it has.
ADDED_TO_RUN = ("starts_from",)
ADDED_TO_RECIPE = (
    "precision", "view", "normalise", "colour_shift", "label_smoothing", "schedule",
    "warm_up_steps", "patience", "average_decay", "frozen_stages",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ExecutionConfig:
    """Where and how a run is carried out; changes its speed, not what is measured."""

    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`; `auto` takes a GPU where there is one."""
    threads: int | None = None
    """CPU threads of each rank; None is one for several ranks, and else leaves PyTorch's choice. On
    a CPU the bits depend on it, hence stored."""
    ranks: int = 1
    """Processes that share the run, each computing as much of every batch as the others: whole
    parts of it, or an equal share of one, whose BN statistics are then synchronised."""
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
    """Folder of the data set's files; of a table, that of its images."""
    data_path: str | None = None
    """Where images of one's own lie: a folder, a table, shards or a URL."""
    data_cache: str | None = None
    """Where shards at a URL are copied to."""
    workers: int | None = None
    """Processes that decode images; None is one a core, 0 decodes in the training process."""
    max_broken_share: float = 0.01
    """A run stops when a larger share of its training images cannot be read."""
    weights: str | None = None
    """The weights file of `RunConfig.starts_from`."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run: one network, trained once."""

    network: NetworkConfig
    data: DataConfig | ImageDataConfig
    recipe: Recipe
    seed: int = 0
    """Decides initial weights, order of images and augmentation."""
    starts_from: str | None = None
    """Digest of the weights file that training begins with; None begins with random weights."""
    execution: ExecutionConfig = field(default_factory=ExecutionConfig)

    def __post_init__(self) -> None:
        check_shares(self.recipe.batch_size, self.recipe.batch_parts, self.execution.ranks)

    @property
    def digest(self) -> str:
        """SHA-256 of what is measured: everything but `execution`."""
        document = to_document(self)
        del document["execution"]
        _leave_out(document, RunConfig, ADDED_TO_RUN)
        _leave_out(document["recipe"], Recipe, ADDED_TO_RECIPE)
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


def _leave_out(document: dict[str, Any], source: type, names: tuple[str, ...]) -> None:
    defaults = {field.name: field.default for field in fields(source)}
    for name in names:
        if document[name] == defaults[name]:
            del document[name]
