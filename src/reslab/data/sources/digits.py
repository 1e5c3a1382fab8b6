"""1,797 real handwritten digits of 8×8 pixels, embedded: the demonstration's data set.

They are the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, 1998,
UCI Machine Learning Repository, CC BY 4.0), the images of scikit-learn's `load_digits`, with the
pixels' 0 to 16 scaled to 0 to 255.
"""

from importlib.resources import files

import torch
from safetensors.torch import load

from reslab.data.dataset import Dataset, LabelledImages


def load_digits() -> Dataset:
    """Read the digits: every fifth image of each class is for testing, the rest for training."""
    content = files("reslab.data.sources").joinpath("digits.safetensors").read_bytes()
    tensors = load(content)
    everything = LabelledImages(tensors["images"], tensors["labels"].long())
    is_test = _every_fifth_of_each_class(everything.labels)
    return Dataset(
        name="digits",
        class_names=tuple("0123456789"),
        train=everything.select((~is_test).nonzero().flatten()),
        test=everything.select(is_test.nonzero().flatten()),
    )


def _every_fifth_of_each_class(labels: torch.Tensor) -> torch.Tensor:
    chosen = torch.zeros_like(labels, dtype=torch.bool)
    for label in torch.unique(labels):
        chosen[(labels == label).nonzero().flatten()[::5]] = True
    return chosen
