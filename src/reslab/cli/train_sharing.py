"""The options of `reslab train` by which several processes share a run."""

from dataclasses import dataclass
from typing import Literal

from reslab.errors import ConfigError

RESTARTS = 3
"""With `--gpus`, unless `--restarts` says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """Who computes a run."""

    device: str
    ranks: int
    """Processes in all."""
    batch_parts: int | None
    """As of the recipe; None leaves the recipe's own."""
    restarts: int | None
    """How often a launcher of reslab's own starts them anew; None starts none."""


def plan_sharing(
    *,
    device: str,
    gpus: int | None,
    ranks: int | None,
    restarts: int | None,
    bn: Literal["synchronised", "local"] | None,
    batch_parts: int | None,
) -> Sharing:
    """Resolve the options, which are those of `Train`.

    Raises:
        ConfigError: if they contradict each other, or there are too few GPUs.
    """
    from reslab.training.launch import find_launch  # noqa: PLC0415
    from reslab.training.start import choose_ranks, count_gpus  # noqa: PLC0415

    launch = find_launch()
    if launch is not None:
        _refuse_own_launcher(gpus, ranks, restarts)
        ranks = launch.size
    if restarts is not None and restarts < 0:
        raise ConfigError(f"--restarts is {restarts}, must be 0 or more")
    if gpus is not None:
        if gpus < 1 or ranks not in (None, gpus) or device not in ("auto", "cuda"):
            raise ConfigError(
                f"--gpus {gpus} is one process on each of so many GPUs: give a positive number, "
                "and leave out --ranks and --device"
            )
        count_gpus(gpus)
        device, ranks, restarts = "cuda", gpus, RESTARTS if restarts is None else restarts
    if ranks is None:
        ranks = choose_ranks(batch_parts or 1, device)
    return Sharing(
        device=device,
        ranks=ranks,
        batch_parts=_choose_parts(bn, batch_parts, ranks),
        restarts=None if launch is not None else restarts,
    )


def _refuse_own_launcher(gpus: int | None, ranks: int | None, restarts: int | None) -> None:
    given = {"--gpus": gpus, "--ranks": ranks, "--restarts": restarts}
    for name, value in given.items():
        if value is not None:
            raise ConfigError(
                "the processes of this run have been started already, by torchrun: leave out "
                f"{name}"
            )


def _choose_parts(
    bn: Literal["synchronised", "local"] | None, batch_parts: int | None, ranks: int
) -> int | None:
    if bn is None:
        return batch_parts
    parts = ranks if bn == "local" else 1
    if batch_parts not in (None, parts):
        raise ConfigError(
            f"--bn {bn} means {parts} batch part{'s' * (parts > 1)} here, not {batch_parts}: leave "
            "out --bn or --batch-parts"
        )
    return parts
