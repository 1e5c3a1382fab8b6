"""Filling a piece of a batch, in whichever process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from reslab.data.broken_images import BrokenImage
from reslab.data.cutting import cut_view
from reslab.data.image_set import ImageSet
from reslab.data.reading import escape
from reslab.data.requests import Request
from reslab.data.windows import Uniforms, View
from reslab.errors import DataError

MAX_REPLACEMENTS = 100
MAX_PROBLEM_LENGTH = 300


@dataclass(frozen=True, eq=False)
class Slot:
    """Memory of one batch, shared with the processes that fill it."""

    images: Tensor
    """[B, size, size, 3], uint8."""
    labels: Tensor
    """[B], int64."""


UNREADABLE = -1
"""The label of an image that could not be read and was not replaced."""


@dataclass(frozen=True, eq=False)
class LoaderSource:
    """Images, and what is shown of each."""

    images: ImageSet
    view: View


@dataclass(frozen=True, eq=False)
class Filler:
    """Reads, decodes and cuts the images of requests."""

    sources: Mapping[str, LoaderSource]
    """By the names that requests have for them."""

    def fill(self, slot: Slot, request: Request, start: int, end: int) -> list[BrokenImage]:
        """Put images `start` up to and without `end` of a request in their places.

        Where an image is broken, the next one that is not takes its place, with the same random
        numbers: a pure function of the request, so a resumed run sees the same. In a request that
        replaces none, its place is black and labelled `UNREADABLE`.

        Returns:
            The images that were broken.

        Raises:
            DataError: if too many images in a row are broken.
        """
        source = self.sources[request.source]
        broken: list[BrokenImage] = []
        for place in range(start, end):
            index, uniforms = int(request.indices[place]), request.uniforms[place]
            candidates = _list_candidates(source, index) if request.replaces else [index]
            slot.labels[place] = _fill_one(slot.images[place], source, candidates, uniforms, broken)
            if slot.labels[place] == UNREADABLE and request.replaces:
                raise DataError(
                    f"{len(candidates)} images in a row cannot be read, from {broken[-1].name} "
                    f"back: {broken[-1].problem}. Check that the data set is still where it was."
                )
        return broken


def _list_candidates(source: LoaderSource, index: int) -> list[int]:
    count = len(source.images)
    return [i % count for i in range(index, index + min(MAX_REPLACEMENTS, count))]


def _fill_one(
    place: Tensor,
    source: LoaderSource,
    candidates: Sequence[int],
    uniforms: Uniforms,
    broken: list[BrokenImage],
) -> int:
    """Put the first candidate that can be read in its place; returns its label."""
    store = source.images.store
    for candidate in candidates:
        try:
            pixels = cut_view(store.read(candidate), source.view, uniforms)
        except DataError as error:
            problem = str(error)[:MAX_PROBLEM_LENGTH]
            broken.append(BrokenImage(candidate, escape(store.name(candidate)), problem))
            continue
        place.copy_(pixels.permute(1, 2, 0))
        return int(source.images.labels[candidate])
    place.zero_()
    return UNREADABLE
