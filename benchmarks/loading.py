"""Images per second and core for the training crop of §3.4, beside Pillow in a stock `DataLoader`.

    python benchmarks/loading.py ../shared/data/imagenet-sample --rounds 15 --out loading.json

Both read the same files, decode, resize so that the shorter side has from 256 to 480 pixels, cut
out 224×224, mirror half of them, and make batches of bytes. In each round each loader works alone,
one after another, so that a busy machine slows all alike. Each is measured twice: in this process,
by the time the processor spends on it, and with one worker process, by the clock.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import simplejpeg
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from reslab.cli.output import print_message, print_table
from reslab.data.batches import BatchOrder
from reslab.data.filling import LoaderSource
from reslab.data.image_set import ImageSet
from reslab.data.loading import ImageLoader
from reslab.data.packing.pack import pack
from reslab.data.packing.plan import PackSettings
from reslab.data.requests import plan_training
from reslab.data.sources.opening import Opening, open_images
from reslab.data.sources.parts import Splitting
from reslab.data.windows import ScaleJitter

VIEW = ScaleJitter()
BATCH = 34
BASELINE = "Pillow, stock DataLoader"
Pass = Callable[[], int]
"""Loads some batches; returns how many images."""


class CommonCrops(Dataset[tuple[Tensor, int]]):
    """Decode, resize, crop and mirror as it is commonly done with Pillow."""

    def __init__(self, images: ImageSet, count: int) -> None:
        self.images = images
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        index = number % len(self.images)
        root = Path(self.images.store.root, self.images.store.name(index))  # type: ignore[attr-defined]
        with Image.open(root) as file:
            image = file.convert("RGB")
        length = draw(VIEW.shortest, VIEW.longest)
        scale = length / min(image.size)
        width, height = (max(length, int(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
        left = draw(0, width - VIEW.size)
        top = draw(0, height - VIEW.size)
        image = image.crop((left, top, left + VIEW.size, top + VIEW.size))
        if draw(0, 1):
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        return pixels, int(self.images.labels[index])


def draw(lowest: int, highest: int) -> int:
    """A random whole number, both ends included."""
    return int(torch.randint(lowest, highest + 1, ()))


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Images per second over the rounds, and how much faster than the baseline of each round."""

    loader: str
    measured: str
    images_per_second: float
    lowest: float
    highest: float
    times_baseline: float
    lowest_times: float
    highest_times: float


def open_stock(images: ImageSet, count: int, workers: int) -> Pass:
    """The baseline; with a worker, one that lives on."""
    loader = DataLoader(
        CommonCrops(images, count),
        batch_size=BATCH,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    return lambda: sum(len(labels) for _, labels in loader)


def open_ours(images: ImageSet, count: int, workers: int, stack: ExitStack) -> Pass:
    """Reslab's loader."""
    sources = {"train": LoaderSource(images, VIEW)}
    loader = stack.enter_context(ImageLoader(sources, BATCH, workers=workers))
    order = BatchOrder(len(images), BATCH, seed=0)
    starts = iter(range(0, 10**9, count // BATCH))

    def load() -> int:
        start = next(starts)
        steps = range(start, start + count // BATCH)
        requests = plan_training("train", order, VIEW.draws, steps)
        return sum(len(batch.labels) for batch in loader.load(requests))

    return load


def measure(passes: dict[str, Pass], clock: Callable[[], float], rounds: int) -> Iterator[float]:
    """Images per second of each pass in turn, round after round; the first round is not counted."""
    for number in range(rounds + 1):
        for load in passes.values():
            started = clock()
            rate = load() / (clock() - started)
            if number:
                yield rate


def summarise(measured: str, names: Iterable[str], rates: list[float]) -> list[Rate]:
    """Medians and ranges; ratios within each round."""
    names = list(names)
    by_loader = {name: rates[place :: len(names)] for place, name in enumerate(names)}
    found = []
    for name, own in by_loader.items():
        times = [rate / base for rate, base in zip(own, by_loader[BASELINE], strict=True)]
        found.append(
            Rate(
                loader=name,
                measured=measured,
                images_per_second=median(own),
                lowest=min(own),
                highest=max(own),
                times_baseline=median(times),
                lowest_times=min(times),
                highest_times=max(times),
            )
        )
    return found


def measure_all(folder: Path, rounds: int, count: int) -> list[Rate]:
    """Both ways of measuring, for the baseline, for files and for packed shards."""
    splitting = Opening(splitting=Splitting(fraction=0.0))
    rates = []
    with TemporaryDirectory() as packed, ExitStack() as stack:
        files = open_images(str(folder), splitting)
        pack(files, Path(packed), PackSettings(shorter_side=VIEW.longest), workers=1)
        images = {
            "reslab, files": files.parts["train"],
            "reslab, packed at 480": open_images(packed, splitting).parts["train"],
        }
        ways = {"processor time": (0, time.process_time), "one worker": (1, time.perf_counter)}
        for measured, (workers, clock) in ways.items():
            passes = {BASELINE: open_stock(files.parts["train"], count, workers)}
            passes |= {name: open_ours(own, count, workers, stack) for name, own in images.items()}
            print_message(f"{measured}: {rounds} rounds of {count} images for each loader")
            rates += summarise(measured, passes, list(measure(passes, clock, rounds)))
    return rates


def print_rates(rates: list[Rate]) -> None:
    """As a table."""
    rows = [
        [
            rate.measured,
            rate.loader,
            f"{rate.images_per_second:.0f} ({rate.lowest:.0f}–{rate.highest:.0f})",
            f"{rate.times_baseline:.2f} ({rate.lowest_times:.2f}–{rate.highest_times:.2f})",
        ]
        for rate in rates
    ]
    print_table("training crop", ["measured by", "loader", "images/s", "× baseline"], rows)


def describe_setting(options: argparse.Namespace) -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "folder": options.folder.name,
        "rounds": options.rounds,
        "images": options.images,
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "pillow": Image.__version__,
        "simplejpeg": ".".join(simplejpeg.__version_info__),
    }


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="a folder of class folders")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--images", type=int, default=10 * BATCH, help="in each round")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rates = measure_all(options.folder, options.rounds, options.images)
    print_rates(rates)
    if options.out:
        document = {**describe_setting(options), "rates": [asdict(rate) for rate in rates]}
        options.out.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
