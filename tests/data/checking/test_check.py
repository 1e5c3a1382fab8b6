"""A check finds every fault that was put in, and none that was not."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from reslab.data.checking.doubts import doubt_labels
from reslab.data.checking.duplicates import MAX_BITS, group_duplicates
from reslab.data.checking.inspecting import RECORD, Records
from reslab.data.checking.report import DataReport, DuplicateGroup, check_images
from reslab.data.load import load_dataset
from reslab.data.sources.opening import open_images
from tests.data.checking.faults import BROKEN, make_faulty


@pytest.fixture(scope="module")
def report(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> DataReport:
    folder = make_faulty(photos, tmp_path_factory.mktemp("faulty"))
    return check_images(open_images(str(folder)), workers=1)


def test_a_sound_data_set_is_clean(photos: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = check_images(
        open_images(str(photos)), workers=2, on_progress=lambda *state: seen.append(state)
    )
    assert report.clean
    assert not report.broken
    assert not report.duplicates
    assert seen[-1] == (120, 120)
    assert sum(part.images for part in report.parts.values()) == 120
    assert report.parts["train"].width.median == 48
    assert report.parts["train"].height.largest == 40


def test_counts_are_those_of_the_folders(photos: Path) -> None:
    report = check_images(open_images(str(photos)), workers=1)
    total: Counter[str] = Counter()
    for part in report.parts.values():
        total.update(part.class_counts)
    assert total == Counter(path.parent.name for path in photos.rglob("*.jpg"))


def test_every_broken_image_is_named(report: DataReport) -> None:
    assert {Path(image.name).name for image in report.broken} == BROKEN
    assert not report.clean
    assert all("\x1b" not in image.problem for image in report.broken)


def find_group(report: DataReport, name: str) -> DuplicateGroup:
    (group,) = [
        group
        for group in report.duplicates
        if any(Path(member.name).name == name for member in group.members)
    ]
    return group


@pytest.mark.parametrize(
    ("name", "equal", "across_parts", "across_classes"),
    [
        ("leak.jpg", True, True, False),
        ("alike.png", False, True, False),
        ("contradicts.jpg", True, False, True),
        ("copy.jpg", True, False, False),
    ],
)
def test_duplicates_are_told_apart(
    report: DataReport, name: str, equal: bool, across_parts: bool, across_classes: bool
) -> None:
    group = find_group(report, name)
    assert len(group.members) == 2
    assert group.equal_files is equal
    assert group.across_parts is across_parts
    assert group.across_classes is across_classes


def test_leaks_and_contradictions_are_counted(report: DataReport) -> None:
    assert len(report.duplicates) == 4
    assert report.leaking == 2
    assert report.contradicting == 1


def make_records(hashes: list[int]) -> Records:
    """Whole images that differ in nothing but their hashes and files."""
    records = np.zeros(len(hashes), RECORD)
    records["hash"] = np.array(hashes, dtype=np.uint64)
    records["digest"][:, 0] = np.arange(len(hashes))
    records["thumb"] = np.arange(256)
    return records


def group_by_all_pairs(hashes: list[int]) -> set[frozenset[int]]:
    groups = [{number} for number in range(len(hashes))]
    for one, first in enumerate(hashes):
        for other, second in enumerate(hashes[:one]):
            if (first ^ second).bit_count() <= MAX_BITS and groups[one] is not groups[other]:
                groups[one] |= groups[other]
                for number in groups[one]:
                    groups[number] = groups[one]
    return {frozenset(group) for group in groups if len(group) > 1}


near_hashes = st.lists(
    st.tuples(st.sampled_from([0, 2**64 - 1, 0x0123456789ABCDEF]), st.sets(st.integers(0, 63)))
).map(lambda pairs: [base ^ sum(1 << bit for bit in bits) for base, bits in pairs])


@settings(deadline=None)
@given(hashes=near_hashes)
def test_groups_are_those_of_comparing_all_pairs(hashes: list[int]) -> None:
    found = {frozenset(group.tolist()) for group in group_duplicates(make_records(hashes))}
    assert found == group_by_all_pairs(hashes)


def record_digits() -> tuple[Records, NDArray[np.int64]]:
    train = load_dataset("digits").train
    records = np.zeros(len(train), RECORD)
    for record, image in zip(records, train.images, strict=True):
        record["thumb"] = np.asarray(Image.fromarray(image[0].numpy()).resize((16, 16))).ravel()
    return records, train.labels.numpy().copy()


def test_wrong_labels_are_doubted_and_their_classes_found() -> None:
    records, labels = record_digits()
    truth = labels.copy()
    wrong = np.arange(0, len(labels), 25)
    labels[wrong] = (labels[wrong] + 1 + wrong % 9) % 10
    doubts = doubt_labels(records, labels, 10)
    hits = np.isin(doubts.images, wrong)
    assert hits.sum() > 0.45 * len(wrong)
    assert hits.mean() > 0.7
    assert np.array_equal(doubts.instead[hits], truth[doubts.images[hits]])


def test_a_judge_that_has_learned_nothing_doubts_nothing() -> None:
    records, labels = record_digits()
    np.random.default_rng(0).shuffle(labels)
    doubts = doubt_labels(records, labels, 10)
    assert doubts.accuracy < 0.3
    assert not len(doubts.images)


def test_one_large_class_does_not_make_a_judge() -> None:
    records, labels = record_digits()
    np.random.default_rng(0).shuffle(labels)
    doubts = doubt_labels(records, (labels == 0).astype(np.int64), 2)
    assert doubts.accuracy < 0.6
    assert not len(doubts.images)


def test_broken_images_have_no_say() -> None:
    records, labels = record_digits()
    records["broken"] = True
    assert not len(doubt_labels(records, labels, 10).images)
    assert not group_duplicates(records)
