"""Images of a data set that cannot be read: counted, named once, and in the end too many."""

from collections.abc import Callable
from dataclasses import dataclass, field

from reslab.errors import ConfigError, DataError

MAX_SHARE = 0.01
NAMED_IN_ERROR = 5


@dataclass(frozen=True)
class BrokenImage:
    """An image that was passed over."""

    index: int
    """In its part of the data set."""
    name: str
    problem: str


@dataclass(kw_only=True)
class BrokenImages:
    """What a run has found broken so far.

    Raises:
        ConfigError: if the share is out of range.
    """

    total: int
    """Images in the data set."""
    max_share: float = MAX_SHARE
    """A larger share of the data set stops the run; a single image never does."""
    on_first: Callable[[BrokenImage], None] = lambda _: None
    """Told of each broken image once."""
    images: dict[str, BrokenImage] = field(default_factory=dict)
    """By name, in the order they were met."""
    skipped: int = 0
    """How often one was met."""

    def __post_init__(self) -> None:
        if not 0 <= self.max_share <= 1:
            raise ConfigError(
                f"the share of broken images allowed is {self.max_share}: give one from 0 to 1"
            )

    def add(self, image: BrokenImage) -> None:
        """Count an image that was passed over.

        Raises:
            DataError: if there are now too many of them.
        """
        self.skipped += 1
        if image.name in self.images:
            return
        self.images[image.name] = image
        self.on_first(image)
        if len(self.images) > max(1, int(self.max_share * self.total)):
            raise DataError(self._describe_excess())

    def _describe_excess(self) -> str:
        first = list(self.images.values())[:NAMED_IN_ERROR]
        names = ", ".join(image.name for image in first)
        return (
            f"{len(self.images):,} of {self.total:,} images cannot be read, more than "
            f"{self.max_share:.2%}: {names}{', …' if len(self.images) > len(first) else ''}. "
            "`reslab data check` lists them all; repair or remove them, or allow more."
        )
