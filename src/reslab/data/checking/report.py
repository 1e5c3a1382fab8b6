"""What a check of a data set found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reslab.data.checking.doubts import MIN_ACCURACY, doubt_labels
from reslab.data.checking.duplicates import (
    MAX_BITS,
    MAX_LEVELS,
    MIN_CONTRAST,
    group_duplicates,
)
from reslab.data.checking.inspecting import RECORD, Records, cut_chunks, inspect_chunk
from reslab.data.image_set import ImageCollection
from reslab.data.workers import map_in_workers

METHOD = (
    "Equal files have equal SHA-256. Images look alike if the signs of their 8×8 lowest "
    f"frequencies differ in at most {MAX_BITS} of 64 places and their 16×16 grey thumbnails by at "
    f"most {MAX_LEVELS:g} of 255 levels on average; flat images (standard deviation below "
    f"{MIN_CONTRAST:g}) count only if equal. Mirrored, turned, cropped or recoloured copies are "
    "not found. A label is doubted where a linear judge of the thumbnails, which has learned the "
    "other images, is as sure of another class as of that class's own images; a judge that agrees "
    f"with less than {MIN_ACCURACY:.0%} of the labels is not asked."
)

OnProgress = Callable[[int, int], None]
"""Told how many of how many images are inspected."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Smallest, middle and largest of some numbers; of none, zeros."""

    smallest: int
    median: float
    largest: int


@dataclass(frozen=True, kw_only=True)
class PartReport:
    """One part of the data set."""

    images: int
    broken: int
    bytes: int
    """Of all that could be read."""
    width: Spread
    height: Spread
    class_counts: dict[str, int]
    """Images of each class, broken ones included."""
    empty_classes: list[str]


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An image that cannot be read or decoded."""

    part: str
    name: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Member:
    """An image of a group of duplicates."""

    part: str
    name: str
    class_name: str


@dataclass(frozen=True, kw_only=True)
class DuplicateGroup:
    """Images that are the same, or look it."""

    equal_files: bool
    across_parts: bool
    """A leak: what is tested was trained on."""
    across_classes: bool
    """At least one label is wrong, or both are right and the task is not this one."""
    members: list[Member]


@dataclass(frozen=True, kw_only=True)
class DoubtedLabel:
    """A label that the look of the image contradicts."""

    part: str
    name: str
    class_name: str
    looks_like: str
    """The class that it looks like."""


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """What a check of a data set found."""

    path: str
    kind: str
    digest: str
    class_names: list[str]
    parts: dict[str, PartReport]
    broken: list[Broken]
    duplicates: list[DuplicateGroup]
    doubted: list[DoubtedLabel]
    """The surest first; for a person to look at, as a judge of thumbnails errs."""
    judge_accuracy: float
    """Share of labels with which the judge agrees, mean over classes."""
    leaking: int
    """Groups across parts."""
    contradicting: int
    """Groups across classes."""
    method: str = METHOD

    @property
    def judged(self) -> bool:
        """Whether the judge of labels is good enough to be asked."""
        return self.judge_accuracy >= MIN_ACCURACY

    @property
    def clean(self) -> bool:
        """Nothing broken, leaking or contradicting; duplicates within a class are no fault."""
        return not (self.broken or self.leaking or self.contradicting)


def check_images(
    collection: ImageCollection,
    workers: int,
    on_progress: OnProgress = lambda _done, _total: None,
) -> DataReport:
    """Read every image and report what is there and what is wrong.

    Args:
        collection: the data set.
        workers: processes.
        on_progress: told as the work goes on.

    Raises:
        DataError: if a process ends or hangs.
    """
    records, problems = _inspect_all(collection, workers, on_progress)
    doubted, accuracy = _doubt(collection, records)
    duplicates = list(_describe_duplicates(collection, records))
    return DataReport(
        path=collection.path,
        kind=collection.kind,
        digest=collection.digest(),
        class_names=list(collection.class_names),
        parts={part: _describe_part(collection, part, records[part]) for part in records},
        broken=[
            Broken(part=part, name=collection.parts[part].store.name(index), problem=problem)
            for (part, index), problem in sorted(problems.items())
        ],
        duplicates=duplicates,
        doubted=doubted,
        judge_accuracy=accuracy,
        leaking=sum(group.across_parts for group in duplicates),
        contradicting=sum(group.across_classes for group in duplicates),
    )


def _inspect_all(
    collection: ImageCollection, workers: int, on_progress: OnProgress
) -> tuple[dict[str, Records], dict[tuple[str, int], str]]:
    records = {part: np.zeros(len(images), RECORD) for part, images in collection.parts.items()}
    problems: dict[tuple[str, int], str] = {}
    chunks = (
        chunk for part, images in collection.parts.items() for chunk in cut_chunks(part, images)
    )
    total, done = sum(map(len, records.values())), 0
    for seen in map_in_workers(inspect_chunk, chunks, workers):
        records[seen.part][seen.start : seen.start + len(seen.records)] = seen.records
        problems |= {(seen.part, index): text for index, text in seen.problems.items()}
        done += len(seen.records)
        on_progress(done, total)
    return records, problems


def _describe_part(collection: ImageCollection, part: str, records: Records) -> PartReport:
    names = collection.class_names
    counts = np.bincount(collection.parts[part].labels, minlength=len(names)).tolist()
    whole = records[~records["broken"]]
    return PartReport(
        images=len(records),
        broken=int(records["broken"].sum()),
        bytes=int(records["bytes"].sum()),
        width=_measure(whole["width"]),
        height=_measure(whole["height"]),
        class_counts=dict(zip(names, counts, strict=True)),
        empty_classes=[name for name, count in zip(names, counts, strict=True) if not count],
    )


def _measure(values: NDArray[np.int32]) -> Spread:
    if not len(values):
        return Spread(smallest=0, median=0.0, largest=0)
    return Spread(
        smallest=int(values.min()), median=float(np.median(values)), largest=int(values.max())
    )


def _doubt(
    collection: ImageCollection, records: dict[str, Records]
) -> tuple[list[DoubtedLabel], float]:
    everything, places = _join(records)
    labels = np.concatenate([collection.parts[part].labels for part in records])
    doubts = doubt_labels(everything, labels, len(collection.class_names))
    found = []
    for number, instead in zip(doubts.images, doubts.instead, strict=True):
        part, index = places[number]
        images = collection.parts[part]
        found.append(
            DoubtedLabel(
                part=part,
                name=images.store.name(index),
                class_name=collection.class_names[images.labels[index]],
                looks_like=collection.class_names[instead],
            )
        )
    return found, doubts.accuracy


def _join(records: dict[str, Records]) -> tuple[Records, list[tuple[str, int]]]:
    """The records of all parts, and the part and number there of each."""
    places = [(part, index) for part in records for index in range(len(records[part]))]
    return np.concatenate(list(records.values())), places


def _describe_duplicates(
    collection: ImageCollection, records: dict[str, Records]
) -> Iterator[DuplicateGroup]:
    everything, places = _join(records)
    for group in group_duplicates(everything):
        members = [_describe_member(collection, *places[index]) for index in group]
        yield DuplicateGroup(
            equal_files=len(np.unique(everything["digest"][group], axis=0)) == 1,
            across_parts=len({member.part for member in members}) > 1,
            across_classes=len({member.class_name for member in members}) > 1,
            members=members,
        )


def _describe_member(collection: ImageCollection, part: str, index: int) -> Member:
    images = collection.parts[part]
    return Member(
        part=part,
        name=images.store.name(index),
        class_name=collection.class_names[images.labels[index]],
    )
