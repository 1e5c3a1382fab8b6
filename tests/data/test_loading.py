"""Batches by worker processes are those of one process, in order, whatever was asked before."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reslab.data.batches import BatchOrder
from reslab.data.broken_images import BrokenImages
from reslab.data.cutting import cut_view
from reslab.data.filling import UNREADABLE, LoaderSource
from reslab.data.image_set import ImageSet
from reslab.data.images import decode_image
from reslab.data.loading import Batch, ImageLoader
from reslab.data.requests import Request, Shard, plan_evaluation, plan_training
from reslab.data.sources.opening import Opening, open_images
from reslab.data.sources.parts import Splitting
from reslab.data.views import centre_crop, resize_shorter_side
from reslab.data.windows import CentreView, ScaleJitter
from reslab.errors import DataError

VIEW = ScaleJitter(size=24, shortest=28, longest=52)
CENTRE = CentreView(size=24, shorter=28)
Loaded = tuple[int, torch.Tensor, torch.Tensor]
WHOLE_SET = Opening(splitting=Splitting(fraction=0.0))


@pytest.fixture(scope="module")
def images(photos: Path) -> ImageSet:
    return open_images(str(photos), WHOLE_SET).parts["train"]


def request_steps(images: ImageSet, steps: range, shard: Shard | None = None) -> Iterator[Request]:
    order = BatchOrder(len(images), 16, seed=3)
    return plan_training("train", order, VIEW.draws, steps, shard or Shard())


def make_loader(images: ImageSet, workers: int, broken: BrokenImages | None = None) -> ImageLoader:
    sources = {"train": LoaderSource(images, VIEW), "test": LoaderSource(images, CENTRE)}
    return ImageLoader(sources, 50, workers=workers, broken=broken)


def collect(batches: Iterator[Batch]) -> list[Loaded]:
    return [(b.step, b.images.clone(), b.labels.clone()) for b in batches]


def assert_same(ours: Sequence[Loaded], theirs: Sequence[Loaded]) -> None:
    for (step, pixels, labels), (other_step, other_pixels, other_labels) in zip(
        ours, theirs, strict=True
    ):
        assert step == other_step
        assert torch.equal(pixels, other_pixels)
        assert torch.equal(labels, other_labels)


def test_workers_make_the_batches_of_one_process_from_any_step_on(images: ImageSet) -> None:
    with make_loader(images, 0) as alone, make_loader(images, 2) as shared:
        expected = collect(alone.load(request_steps(images, range(12))))
        assert_same(collect(shared.load(request_steps(images, range(12)))), expected)
        assert_same(collect(shared.load(request_steps(images, range(7, 12)))), expected[7:])


def test_what_was_left_under_way_is_not_written_over_the_next_batches(images: ImageSet) -> None:
    with make_loader(images, 0) as alone, make_loader(images, 2) as shared:
        everything = np.arange(len(images))
        expected = collect(alone.load(plan_evaluation("test", everything, 50)))
        for _ in range(5):
            begun = shared.load(request_steps(images, range(100)))
            next(begun)
            begun.close()
            assert_same(collect(shared.load(plan_evaluation("test", everything, 50))), expected)


def test_a_request_reads_the_image_it_names(images: ImageSet) -> None:
    request = next(request_steps(images, range(4, 5)))
    with make_loader(images, 0) as loader:
        batch = next(loader.load([request]))
        for place, index in enumerate(request.indices):
            expected = cut_view(images.store.read(index), VIEW, request.uniforms[place])
            assert torch.equal(batch.images[place], expected)
            assert batch.labels[place] == images.labels[index]


@given(ranks=st.sampled_from([1, 2, 4, 8, 16]), step=st.integers(0, 40))
def test_ranks_share_each_batch_without_repeats_or_gaps(ranks: int, step: int) -> None:
    order = BatchOrder(37, 16, seed=1)

    def plan(rank: int, size: int) -> Request:
        shard = Shard(rank=rank, ranks=size)
        return next(plan_training("train", order, 4, range(step, step + 1), shard))

    whole, pieces = plan(0, 1), [plan(rank, ranks) for rank in range(ranks)]
    assert np.array_equal(np.concatenate([p.indices for p in pieces]), whole.indices)
    assert np.array_equal(np.concatenate([p.uniforms for p in pieces]), whole.uniforms)


@given(count=st.integers(0, 90), ranks=st.integers(1, 5), batch=st.integers(1, 40))
def test_ranks_evaluate_each_image_once(count: int, ranks: int, batch: int) -> None:
    seen = [
        index
        for rank in range(ranks)
        for request in plan_evaluation(
            "test", np.arange(count), batch, Shard(rank=rank, ranks=ranks)
        )
        for index in request.indices.tolist()
    ]
    assert sorted(seen) == list(range(count))


def test_central_views_are_those_of_the_reference_pipeline(images: ImageSet) -> None:
    differences = []
    with make_loader(images, 0) as loader:
        (batch, *_) = loader.load(plan_evaluation("test", np.arange(20), 50))
        for index in range(20):
            pixels = decode_image(images.store.read(index), 3)
            expected = centre_crop(resize_shorter_side(pixels, CENTRE.shorter), CENTRE.size)
            ours = batch.images[index].permute(1, 2, 0).numpy()
            differences.append(np.abs(ours.astype(int) - expected).mean())
    assert max(differences) < 1.0


@pytest.fixture
def damaged(photos: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    for path in sorted(folder.rglob("*.jpg"))[:2]:
        path.write_bytes(path.read_bytes()[:100])
    return folder


def test_a_broken_image_is_replaced_counted_and_named_once(damaged: Path) -> None:
    images = open_images(str(damaged), WHOLE_SET).parts["train"]
    named: list[str] = []
    broken = BrokenImages(
        total=len(images), max_share=0.1, on_first=lambda image: named.append(image.name)
    )
    with make_loader(images, 2, broken) as loader:
        batches = collect(loader.load(request_steps(images, range(20))))
    assert all((labels >= 0).all() for _, _, labels in batches)
    assert sorted(named) == sorted(broken.images)
    assert len(named) == 2
    assert broken.skipped > len(named)


def test_a_broken_image_is_not_replaced_where_accuracy_is_measured(damaged: Path) -> None:
    images = open_images(str(damaged), WHOLE_SET).parts["train"]
    broken = BrokenImages(total=len(images), max_share=0.1)
    with make_loader(images, 0, broken) as loader:
        batches = list(loader.load(plan_evaluation("test", np.arange(len(images)), 50)))
    labels = torch.cat([batch.labels for batch in batches])
    assert (labels == UNREADABLE).sum() == 2


def test_too_many_broken_images_end_the_run(damaged: Path) -> None:
    images = open_images(str(damaged), WHOLE_SET).parts["train"]
    broken = BrokenImages(total=len(images), max_share=0.01)
    with (
        make_loader(images, 2, broken) as loader,
        pytest.raises(DataError, match="2 of 120 images cannot be read"),
    ):
        collect(loader.load(request_steps(images, range(20))))


def test_a_loader_without_a_tally_takes_a_broken_image_for_an_error(damaged: Path) -> None:
    images = open_images(str(damaged), WHOLE_SET).parts["train"]
    with make_loader(images, 0) as loader, pytest.raises(DataError, match="decode"):
        collect(loader.load(request_steps(images, range(20))))
