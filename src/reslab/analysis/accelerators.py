"""What GPUs can do by their data sheets, and what one may expect of that."""

from dataclasses import dataclass, replace
from typing import Literal

from reslab.analysis.step_cost import Rates
from reslab.errors import ConfigError

Precision = Literal["float32", "tf32", "bfloat16"]

ARITHMETIC_SHARE = 0.5
"""Assumed: of a GPU's peak arithmetic, what convolutions get."""
BANDWIDTH_SHARE = 0.7
"""Assumed: of its memory's bandwidth, what everything else gets."""
CONTEXT_BYTES = 0.8e9
"""Assumed: what CUDA, cuDNN and NCCL take of a GPU's memory before any network."""


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """A GPU by its maker's numbers: dense arithmetic, without sparsity."""

    name: str
    memory_bytes: float
    bandwidth: float
    """Bytes a second between the GPU and its memory."""
    link: float
    """Bytes a second that one GPU sends to the others of its machine while it receives as many."""
    flops: dict[str, float]
    """Floating-point operations a second by precision; a multiply-add is two."""

    def rates(self, precision: Precision) -> Rates:
        """What to expect of it.

        Raises:
            ConfigError: if it has not the precision.
        """
        if precision not in self.flops:
            raise ConfigError(
                f"{self.name} does not multiply in {precision}: take --precision "
                f"{' or '.join(self.flops)}"
            )
        return Rates(
            macs_per_second=ARITHMETIC_SHARE * self.flops[precision] / 2,
            bytes_per_second=BANDWIDTH_SHARE * self.bandwidth,
        )


def _gpu(
    name: str,
    memory_gb: float,
    bandwidth_gb: float,
    link_gb: float,
    *,
    float32: float,
    tf32: float | None = None,
    bfloat16: float | None = None,
) -> Accelerator:
    teraflops = {"float32": float32, "tf32": tf32, "bfloat16": bfloat16}
    return Accelerator(
        name=name,
        memory_bytes=memory_gb * 1e9,
        bandwidth=bandwidth_gb * 1e9,
        link=link_gb * 1e9,
        flops={precision: 1e12 * value for precision, value in teraflops.items() if value},
    )


# NVIDIA's data sheets; NVLink's figure there counts both directions, here one. Those without NVLink
# have PCI Express: 16 lanes of generation 3 (T4) or 4.
ACCELERATORS = {
    gpu.name: gpu
    for gpu in (
        _gpu("p100", 16, 732, 80, float32=10.6),
        _gpu("v100", 16, 900, 150, float32=15.7),
        _gpu("t4", 16, 320, 16, float32=8.1),
        _gpu("a10", 24, 600, 32, float32=31.2, tf32=62.5, bfloat16=125),
        _gpu("l4", 24, 300, 32, float32=30.3, tf32=60, bfloat16=121),
        _gpu("a100", 40, 1_555, 300, float32=19.5, tf32=156, bfloat16=312),
        _gpu("a100-80gb", 80, 2_039, 300, float32=19.5, tf32=156, bfloat16=312),
        _gpu("h100", 80, 3_350, 450, float32=67, tf32=494, bfloat16=989),
        _gpu("h200", 141, 4_800, 450, float32=67, tf32=494, bfloat16=989),
    )
}


def find_accelerator(
    name: str,
    *,
    memory_gb: float | None = None,
    tflops: float | None = None,
    bandwidth_gb: float | None = None,
    link_gb: float | None = None,
) -> Accelerator:
    """A GPU of the table, with one's own numbers where given.

    Args:
        name: as in `ACCELERATORS`; `own` takes all four numbers.
        memory_gb: its memory, in 10⁹ bytes.
        tflops: arithmetic in the precision of the run, 10¹² operations a second.
        bandwidth_gb: of its memory, 10⁹ bytes a second.
        link_gb: to the other GPUs of its machine, 10⁹ bytes a second.

    Raises:
        ConfigError: if the GPU is not in the table, or a number is missing or not positive.
    """
    given = {
        "memory_bytes": memory_gb and memory_gb * 1e9,
        "bandwidth": bandwidth_gb and bandwidth_gb * 1e9,
        "link": link_gb and link_gb * 1e9,
        "flops": tflops and dict.fromkeys(("float32", "tf32", "bfloat16"), tflops * 1e12),
    }
    if any(
        value is not None and value <= 0 for value in (memory_gb, tflops, bandwidth_gb, link_gb)
    ):
        raise ConfigError("the numbers of a GPU must be positive")
    if name == "own":
        missing = [key for key, value in given.items() if value is None]
        if missing:
            raise ConfigError(
                "a GPU of one's own takes --memory-gb, --tflops, --bandwidth-gb and --link-gb"
            )
        return Accelerator(name="own", **given)  # type: ignore[arg-type]
    if name not in ACCELERATORS:
        raise ConfigError(
            f"there is no GPU called {name!r} in the table: choose of {', '.join(ACCELERATORS)}, "
            "or own with numbers of your own"
        )
    changes = {key: value for key, value in given.items() if value is not None}
    return replace(ACCELERATORS[name], **changes)  # type: ignore[arg-type]
