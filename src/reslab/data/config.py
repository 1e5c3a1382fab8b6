"""Which images a run trains on."""

from dataclasses import dataclass

from reslab.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class DatasetShape:
    """What a network must know of a data set before its images are read."""

    num_classes: int
    channels: int
    image_size: int
    """Height and width."""
    train_count: int
    """Images in the published training part."""
    test_count: int
    """Images in the published test part."""


DATASET_SHAPES = {
    "digits": DatasetShape(
        num_classes=10, channels=1, image_size=8, train_count=1433, test_count=364
    ),
    "cifar10": DatasetShape(
        num_classes=10, channels=3, image_size=32, train_count=50_000, test_count=10_000
    ),
    "cifar100": DatasetShape(
        num_classes=100, channels=3, image_size=32, train_count=50_000, test_count=10_000
    ),
}
DATASET_NAMES = tuple(DATASET_SHAPES)


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """A data set and its division; where it lies on disk is not part of what is measured."""

    name: str
    """One of `DATASET_NAMES`."""
    validation_count: int = 0
    """Training images held out to validate; the paper holds out 5,000 of CIFAR-10's 50,000."""
    split_seed: int = 0
    """Decides which images are held out."""

    def __post_init__(self) -> None:
        if self.name not in DATASET_NAMES:
            raise ConfigError(
                f"unknown data set {self.name!r}: choose one of {', '.join(DATASET_NAMES)}"
            )
        if self.validation_count < 0:
            raise ConfigError(f"validation_count is {self.validation_count}, must be 0 or more")

    @property
    def split(self) -> str:
        """How the data is divided, in words: what two runs must share to be compared."""
        return f"{self.validation_count} held out"

    @property
    def train_count(self) -> int:
        """Images to train on."""
        return DATASET_SHAPES[self.name].train_count - self.validation_count


@dataclass(frozen=True, kw_only=True)
class ImageDataConfig:
    """Images that somebody brought, by their index; where they lie is not what is measured."""

    name: str
    """What people call it: the last part of its path."""
    digest: str
    """SHA-256 of the index: classes, parts, labels, names and sizes (`ImageCollection.digest`)."""
    class_names: tuple[str, ...]
    """In the order of the labels."""
    train_count: int
    """Images to train on."""
    validation_count: int
    """Images of the validation part, 0 if there is none."""
    test_count: int
    """Images of the test part, 0 if there is none."""
    validation_fraction: float
    """What was to be held out of each class if the data had nothing to evaluate on."""
    split_seed: int
    """Decides which."""

    @property
    def split(self) -> str:
        """How the data is divided, in words: what two runs must share to be compared."""
        return f"index {self.digest[:12]}"
