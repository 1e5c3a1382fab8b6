"""`reslab data`: check a data set of images, or pack it into shards."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, subcommand

from reslab.cli.options import Flag
from reslab.cli.output import print_json, print_line, print_message, print_table
from reslab.cli.progress import open_meter

if TYPE_CHECKING:
    from reslab.data.checking.report import DataReport, DuplicateGroup, PartReport
    from reslab.data.image_set import ImageCollection
    from reslab.data.sources.packed import PackedIndex

SHOWN = 20
"""Rows of a table; `--json` has all."""


@dataclass(frozen=True, kw_only=True)
class _Source:
    path: Positional[str]
    """A folder of class folders (`train/cat/1.jpg`, `val/…`), a CSV or Parquet file of paths and
    labels, WebDataset shards (a file, a folder, a pattern such as `train-{000..127}.tar`, a URL),
    or a folder of Hugging Face's `datasets`."""
    data_root: Path | None = None
    """Where the images of a CSV or Parquet file lie, if not beside it."""
    cache: Path | None = None
    """Where shards at a URL are copied to."""
    validation_fraction: float = 0.1
    """What is held out of each class to validate, where the data has neither val nor test."""
    split_seed: int = 0
    """Decides which images are held out."""
    workers: int | None = None
    """Processes: one for each core by default."""
    json: Flag = False
    """Print one JSON object instead of tables."""

    def _open(self) -> "ImageCollection":
        from reslab.data.sources.opening import Opening, open_images  # noqa: PLC0415
        from reslab.data.sources.parts import Splitting  # noqa: PLC0415

        splitting = Splitting(fraction=self.validation_fraction, seed=self.split_seed)
        return open_images(
            self.path, Opening(splitting=splitting, root=self.data_root, cache=self.cache)
        )

    def _count_workers(self) -> int:
        from reslab.runs.executor import count_cores  # noqa: PLC0415

        return count_cores() if self.workers is None else self.workers


@dataclass(frozen=True, kw_only=True)
class DataCheck(_Source):
    """Read every image and report classes, sizes, broken images, duplicates, doubtful labels.

    The exit code is 0 if nothing is wrong, 1 if an image is broken, is in two parts (so that what
    is tested was trained on), or has two labels, and 2 if the data set cannot be opened.
    """

    def run(self) -> int:
        """Check and print."""
        from reslab.data.checking.report import check_images  # noqa: PLC0415

        collection = self._open()
        with open_meter("checking", "images") as meter:
            report = check_images(collection, self._count_workers(), meter.update)
        if self.json:
            print_json({**asdict(report), "clean": report.clean})
        else:
            _print_report(report)
        return 0 if report.clean else 1


@dataclass(frozen=True, kw_only=True)
class DataPack(_Source):
    """Write a data set as WebDataset shards with an index; broken images are left out and named.

    What was killed goes on by the same command; what is finished is verified by it. The exit code
    is 0 if all images are packed, 1 if some are left out, and 2 if packing is not possible.
    """

    out: Positional[Path]
    """A new or empty folder, or that of an earlier packing of the same images."""
    shorter_side: int | None = None
    """Resize larger images so that the shorter side has so many pixels: 480 loses nothing that the
    paper's training sees. By default images are packed as they are."""
    quality: int = 90
    """JPEG quality of what is resized."""
    images_per_shard: int = 2000
    """Images in each shard."""

    def run(self) -> int:
        """Pack and say what was written."""
        from reslab.data.packing.pack import pack  # noqa: PLC0415
        from reslab.data.packing.plan import PackSettings  # noqa: PLC0415

        settings = PackSettings(
            shorter_side=self.shorter_side,
            quality=self.quality,
            images_per_shard=self.images_per_shard,
        )
        collection = self._open()
        with open_meter("packing", "images") as meter:
            index = pack(collection, self.out, settings, self._count_workers(), meter.update)
        if self.json:
            print_json(index.to_document())
        else:
            _print_index(index, self.out)
        return 1 if index.left_out else 0


@dataclass(frozen=True, kw_only=True)
class Data:
    """Check a data set of images, or pack it into shards.

    Examples: `reslab data check photos/`, `reslab data check labels.csv --json`,
    `reslab data pack photos/ packed/ --shorter-side 480`.
    """

    action: Annotated[DataCheck, subcommand("check")] | Annotated[DataPack, subcommand("pack")]
    """What to do."""

    def run(self) -> int:
        """Do it."""
        return self.action.run()


def _print_report(report: "DataReport") -> None:
    columns = ["part", "images", "broken", "classes", "fewest", "most", "MB", "width", "height"]
    rows = [_part_row(name, part) for name, part in report.parts.items()]
    print_table(f"{report.path} ({report.kind})", columns, rows)
    _print_classes(report)
    _print_some(
        "broken", ["part", "image", "problem"], [[b.part, b.name, b.problem] for b in report.broken]
    )
    _print_duplicates(report)
    _print_doubts(report)
    print_line(f"\n{report.method}")
    print_line("nothing is wrong" if report.clean else _summarise(report))


def _part_row(name: str, part: "PartReport") -> list[str | int]:
    counts = list(part.class_counts.values())
    present = sum(count > 0 for count in counts)
    sizes = [f"{s.smallest}–{s.median:g}–{s.largest}" for s in (part.width, part.height)]
    megabytes = round(part.bytes / 1e6)
    return [name, part.images, part.broken, present, min(counts), max(counts), megabytes, *sizes]


def _print_classes(report: "DataReport") -> None:
    rows = [
        [name, *(part.class_counts[name] for part in report.parts.values())]
        for name in report.class_names
    ]
    _print_some("classes", ["class", *report.parts], rows)


def _print_duplicates(report: "DataReport") -> None:
    worst_first = sorted(
        report.duplicates, key=lambda group: (not group.across_parts, not group.across_classes)
    )
    rows = [
        [number, _name_fault(group), member.part, member.class_name, member.name]
        for number, group in enumerate(worst_first, start=1)
        for member in group.members
    ]
    _print_some("duplicates", ["group", "what", "part", "class", "image"], rows)


def _print_doubts(report: "DataReport") -> None:
    rows = [[d.part, d.class_name, d.looks_like, d.name] for d in report.doubted]
    _print_some("labels to look at", ["part", "class", "looks like", "image"], rows)
    weak = "" if report.judged else ": too few for it to doubt any"
    share = f"{report.judge_accuracy:.1%} of them, mean over classes{weak}"
    print_line(f"\nthe judge of labels agrees with {share}")


def _name_fault(group: "DuplicateGroup") -> str:
    same = "same file" if group.equal_files else "looks alike"
    faults = ["in two parts"] * group.across_parts + ["two labels"] * group.across_classes
    return ", ".join([same, *faults])


def _print_some(title: str, columns: list[str], rows: Sequence[list[Any]]) -> None:
    if not rows:
        return
    print_line("")
    print_table(f"{title}: {len(rows):,}", columns, list(rows[:SHOWN]))
    if len(rows) > SHOWN:
        print_line(f"… and {len(rows) - SHOWN:,} more: --json lists all")


def _summarise(report: "DataReport") -> str:
    return (
        f"{len(report.broken):,} broken images, {report.leaking:,} groups of duplicates in more "
        f"than one part, {report.contradicting:,} under more than one label"
    )


def _print_index(index: "PackedIndex", out: Path) -> None:
    images: Counter[str] = Counter()
    shards: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for entry in index.shards:
        images[entry.part] += entry.images
        shards[entry.part] += 1
        sizes[entry.part] += entry.bytes
    rows = [[part, images[part], shards[part], round(sizes[part] / 1e6)] for part in images]
    print_table(str(out), ["part", "images", "shards", "MB"], rows)
    for item in index.left_out[:SHOWN]:
        print_message(f"left out: {item.name}: {item.problem}")
    if len(index.left_out) > SHOWN:
        print_message(f"… and {len(index.left_out) - SHOWN:,} more, listed in the index")
    print_line("every shard was read back and has the digest that the index lists")
