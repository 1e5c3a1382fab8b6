"""`reslab predict`: what is in these pictures?"""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import Positional

from reslab.cli.options import Flag, Ints
from reslab.cli.output import print_message
from reslab.errors import ConfigError

if TYPE_CHECKING:
    from reslab.cli.prediction_writers import Writer
    from reslab.evaluation.classifier_runtime import ClassifierRuntime
    from reslab.evaluation.prediction import Prediction
    from reslab.evaluation.runtime import Runtime
    from reslab.networks.classifier import Classifier

    Explain = Callable[[Prediction], Path | None]

CHUNK_BYTES = 2**16


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Name the most likely classes of images: any number of files, folders, or a list on stdin.

    An image that cannot be read is reported on stderr and the rest go on; the exit code is then 1.

    Examples: `reslab predict resnet50.safetensors photo.jpg`,
    `reslab predict resnet50.onnx photos --csv > photos.csv`,
    `find . -name '*.png' -print0 | reslab predict resnet50.safetensors - --null --json`.
    """

    weights: Positional[Path]
    """A reslab weights file, or a network that `reslab export` wrote."""
    images: Annotated[Positional[tuple[str, ...]], tyro.conf.arg(metavar="IMAGE|FOLDER|-")]
    """Image files; folders, which are searched recursively; `-` for paths on stdin, one a line."""
    null: Flag = False
    """Paths on stdin end in a zero byte, as `find -print0` writes them."""
    top: int = 5
    """Classes for each image."""
    json: Flag = False
    """Print one JSON object: `predictions`, a list that grows as images are read, each with `image`
    and `top` (`index`, `class`, `probability`); and `failures`, each with `image` and `error`."""
    csv: Flag = False
    """Print CSV, one row for each class of each image: image, rank, index, class, probability."""
    explain: Path | None = None
    """Save pictures of the evidence for each image's first class in this folder (class activation
    maps; needs the extra `explain` and a weights file)."""
    protocol: Literal["centre", "ten-crop", "fully-convolutional"] = "centre"
    """What the network is shown of each image: the central crop; ten crops; the whole image at five
    scales (He et al. 2016, §3.4), which needs a weights file."""
    scales: Ints | None = None
    """Shorter sides for `fully-convolutional`: 224,256,384,480,640 by default for a crop of 224,
    and in proportion for another."""
    batch_size: int = 16
    """Images at a time; results appear after each batch, so take 1 to follow a slow list."""
    runtime: Literal["auto", "torch", "onnx", "openvino"] = "auto"
    """What computes; auto takes the fastest that is installed and can run the file."""

    def run(self) -> int:
        """Predict, print, and tell by the exit code whether every image could be read."""
        from reslab.data.finding import find_images  # noqa: PLC0415
        from reslab.evaluation.prediction import Failure, predict_files  # noqa: PLC0415
        from reslab.evaluation.protocols import build_protocol  # noqa: PLC0415

        if self.json and self.csv:
            raise ConfigError("--json and --csv exclude each other: choose one")
        if not self.images:
            raise ConfigError("no images: name files or folders, or - for a list on stdin")
        runtime, explain = self._open()
        make_views = build_protocol(self.protocol, runtime.geometry, self.scales)
        print_message(f"runtime: {runtime.name}")
        failures: list[Failure] = []

        def fail(failure: Failure) -> None:
            print_message(f"reslab: {failure.reason}")
            failures.append(failure)

        paths = find_images(self._paths(), lambda path, e: fail(Failure(path=path, reason=str(e))))
        outcomes = predict_files(
            runtime, paths, make_views, top=self.top, batch_size=self.batch_size
        )
        writer = self._open_writer(runtime)
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                fail(outcome)
            else:
                writer.write(outcome, explain(outcome))
        writer.finish(failures)
        return 1 if failures else 0

    def _paths(self) -> Iterator[Path]:
        from reslab.data.finding import read_paths  # noqa: PLC0415

        separator = b"\0" if self.null else b"\n"
        for name in self.images:
            if name == "-":
                # Read without buffering: a path counts as soon as it is written.
                chunks = iter(partial(os.read, sys.stdin.fileno(), CHUNK_BYTES), b"")
                yield from read_paths(chunks, separator)
            else:
                yield Path(name)

    def _open(self) -> tuple["Runtime", "Explain"]:
        from reslab.export.runtimes import open_runtime  # noqa: PLC0415

        if self.explain is None and self.protocol != "fully-convolutional":
            return open_runtime(self.weights, self.runtime), lambda _: None
        runtime = self._open_classifier()
        if self.explain is None:
            return runtime, lambda _: None
        return runtime, _explain_into(self.explain, runtime.classifier)

    def _open_classifier(self) -> "ClassifierRuntime":
        from reslab.export.runtimes import recognise  # noqa: PLC0415

        if self.runtime not in ("auto", "torch") or recognise(self.weights) != "weights":
            raise ConfigError(
                "--explain and the fully-convolutional protocol need the weights file itself and "
                f"the runtime torch, not {self.weights} and {self.runtime}"
            )
        from reslab.evaluation.classifier_runtime import (  # noqa: PLC0415
            ClassifierRuntime,
            require_any_size,
        )
        from reslab.networks.weights import load  # noqa: PLC0415

        runtime = ClassifierRuntime(load(self.weights))
        if self.protocol == "fully-convolutional":
            require_any_size(runtime)
        return runtime

    def _open_writer(self, runtime: "Runtime") -> "Writer":
        from reslab.cli.prediction_writers import (  # noqa: PLC0415
            CsvWriter,
            JsonWriter,
            TextWriter,
        )

        if self.csv:
            return CsvWriter()
        if self.json:
            weights = {"weights": str(self.weights), "runtime": runtime.name}
            return JsonWriter({**weights, "protocol": self.protocol})
        return TextWriter()


def _explain_into(folder: Path, classifier: "Classifier") -> "Explain":
    from reslab.evaluation.explanation import save_explanation  # noqa: PLC0415

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot make the folder {folder}: {error.strerror}. Choose another for --explain."
        ) from error
    return lambda prediction: save_explanation(
        classifier, prediction.path, prediction.candidates[0], folder
    )
