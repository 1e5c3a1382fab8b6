"""In which numbers a step multiplies; weights, BN statistics, sums and updates stay float32."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from reslab.errors import ConfigError
from reslab.training.recipe import Precision


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuse a precision that the device does not have.

    Raises:
        ConfigError: if it is TF32 and the device is not a CUDA GPU.
    """
    if precision == "tf32" and device.type != "cuda":
        raise ConfigError(
            f"precision tf32 is that of a CUDA GPU, not of {device}: take --precision float32"
        )


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """The context for a forward pass: bfloat16 where PyTorch's autocast takes it, or no change."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


@contextmanager
def float32_products(precision: Precision, device: torch.device) -> Iterator[None]:
    """Within it a GPU multiplies float32 in full, or rounded to TF32 where that is the precision.

    Unasked, PyTorch rounds the inputs of float32 convolutions to TF32.
    """
    if device.type != "cuda":
        yield
        return
    # The older names of these switches: with the newer ones PyTorch's compiler finds them mixed.
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
