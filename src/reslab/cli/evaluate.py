"""`reslab evaluate`: errors of a network on labelled images."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from reslab.cli.data_options import provide_data
from reslab.cli.options import Flag, Ints
from reslab.cli.output import print_json, print_line, print_message, print_table
from reslab.cli.progress import Meter, open_meter
from reslab.data.config import DATASET_NAMES
from reslab.errors import ConfigError, DataError

if TYPE_CHECKING:
    from reslab.data.dataset import Dataset
    from reslab.evaluation.evaluate import LabelledViews
    from reslab.evaluation.protocols import MakeViews
    from reslab.evaluation.runtime import Runtime
    from reslab.evaluation.tally import Evaluation


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Test a network: top-1 and top-5 error, loss, confusion, calibration.

    Examples: `reslab evaluate resnet20.safetensors --data cifar10 --data-root DIR`,
    `reslab evaluate resnet50.safetensors --data imagenet/val --protocol ten-crop --json`.
    """

    weights: Positional[Path]
    """A reslab weights file, or a network that `reslab export` wrote."""
    data: str
    """digits, cifar10 or cifar100, of which the test images are taken; or a folder that holds one
    folder of images for each class, named after it (`n01440764` suffices for `n01440764 tench`)."""
    data_root: Path | None = None
    """Folder of CIFAR's official binary files."""
    download: Flag = False
    """Download CIFAR into `--data-root` first, if it is not there."""
    protocol: Literal["centre", "ten-crop", "fully-convolutional"] = "centre"
    """What the network is shown of each image: the central crop; ten crops; the whole image at five
    scales (He et al. 2016, §3.4). Scores are the mean of the softmax over these."""
    scales: Ints | None = None
    """Shorter sides for `fully-convolutional`: 224,256,384,480,640 by default for a crop of 224,
    and in proportion for another."""
    batch_size: int = 100
    """Images at a time."""
    runtime: Literal["auto", "torch", "onnx", "openvino"] = "auto"
    """What computes; auto takes PyTorch for a weights file, and else the fastest installed."""
    device: str = "auto"
    """Of PyTorch: cpu, cuda, cuda:1, mps; auto takes a GPU where there is one."""
    json: Flag = False
    """Print one JSON object with every figure, the confusion matrix among them."""

    def run(self) -> int:
        """Evaluate and print."""
        from reslab.evaluation.evaluate import evaluate  # noqa: PLC0415
        from reslab.evaluation.protocols import build_protocol  # noqa: PLC0415

        runtime = self._open_runtime()
        make_views = build_protocol(self.protocol, runtime.geometry, self.scales)
        samples, count = self._open_samples(runtime, make_views)
        with _watched(samples, count) as watched:
            evaluation = evaluate(runtime, watched, self.batch_size)
        if self.json:
            print_json(self._to_document(runtime, evaluation))
        else:
            self._print(evaluation)
        return 0

    def _open_runtime(self) -> "Runtime":
        from reslab.evaluation.classifier_runtime import (  # noqa: PLC0415
            ClassifierRuntime,
            require_any_size,
        )
        from reslab.export.runtimes import open_runtime, recognise  # noqa: PLC0415
        from reslab.networks.weights import load  # noqa: PLC0415
        from reslab.training.start import find_device  # noqa: PLC0415

        runtime: Runtime
        if self.runtime in ("auto", "torch") and recognise(self.weights) == "weights":
            # As it was trained: no folding of BN, and on a GPU if there is one.
            runtime = ClassifierRuntime(load(self.weights, find_device(self.device)))
        else:
            runtime = open_runtime(self.weights, self.runtime)
        if self.protocol == "fully-convolutional":
            require_any_size(runtime)
        return runtime

    def _open_samples(
        self, runtime: "Runtime", make_views: "MakeViews"
    ) -> tuple[Iterator["LabelledViews"], int]:
        from reslab.data.load import load_dataset  # noqa: PLC0415
        from reslab.data.sources.folder import load_folder  # noqa: PLC0415
        from reslab.evaluation.evaluate import views_of_files, views_of_images  # noqa: PLC0415

        if self.data not in DATASET_NAMES:
            if self.data_root is not None or self.download:
                raise ConfigError(
                    f"--data {self.data} is a folder: leave --data-root and --download out, or "
                    f"name one of {', '.join(DATASET_NAMES)}"
                )
            files = load_folder(Path(self.data), runtime.class_names)
            return views_of_files(files, runtime, make_views), len(files)
        root = provide_data(self.data, self.data_root, download=self.download)
        dataset = load_dataset(self.data, root)
        _require_same_classes(dataset, runtime)
        # These images were cut to size by those who published them: their centre is the whole.
        fits = dataset.image_shape[1:] == (runtime.geometry.crop, runtime.geometry.crop)
        whole = self.protocol == "centre" and fits
        return views_of_images(dataset.test, None if whole else make_views), len(dataset.test)

    def _to_document(self, runtime: "Runtime", evaluation: "Evaluation") -> dict[str, object]:
        source = {"weights": str(self.weights), "runtime": runtime.name, "data": self.data}
        return {**source, "protocol": self.protocol, **asdict(evaluation)}

    def _print(self, evaluation: "Evaluation") -> None:
        low, high = evaluation.top1_error_interval_pct
        print_table(
            "by class",
            ["class", "images", "wrong", "error %"],
            [[row.name, row.n, row.wrong, _round(row.error_pct)] for row in evaluation.per_class],
        )
        print_line(f"\n{self.weights} on {self.data}, protocol {self.protocol}")
        print_line(
            f"top-1 error        {evaluation.top1_error_pct:.2f} %, {evaluation.wrong:,} of "
            f"{evaluation.n:,} wrong; 95 % interval {low:.2f} to {high:.2f} %"
        )
        print_line(f"top-5 error        {evaluation.top5_error_pct:.2f} %")
        print_line(f"loss               {evaluation.loss:.4f}")
        print_line(f"calibration error  {100 * evaluation.calibration.ece:.2f} % (ECE, 15 bins)")


@contextmanager
def _watched(samples: Iterator["LabelledViews"], count: int) -> Iterator[Iterator["LabelledViews"]]:
    def watch(meter: Meter) -> Iterator["LabelledViews"]:
        for done, sample in enumerate(samples):
            meter.update(done, count)
            yield sample

    with open_meter("evaluating", "images") as meter:
        yield watch(meter)


def _require_same_classes(dataset: "Dataset", runtime: "Runtime") -> None:
    if len(dataset.class_names) != len(runtime.class_names):
        raise DataError(
            f"{dataset.name} has {len(dataset.class_names)} classes, but the network tells "
            f"{len(runtime.class_names)} apart: evaluate it on the data it was trained for"
        )
    channels = dataset.image_shape[0]
    if channels != runtime.geometry.channels:
        raise DataError(
            f"the images of {dataset.name} have {channels} channels, but the network takes "
            f"{runtime.geometry.channels}"
        )
    if dataset.class_names == runtime.class_names:
        return
    if sorted(dataset.class_names) == sorted(runtime.class_names):
        raise DataError(
            f"the network's classes are those of {dataset.name} in another order: convert the "
            "weights again with class names in the order of the network's outputs"
        )
    print_message(
        f"the network's classes have other names than those of {dataset.name}; taken to be in the "
        "same order"
    )


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
