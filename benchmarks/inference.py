"""Images per second of reslab's runtimes, beside the same networks as they are commonly written.

    python benchmarks/inference.py --rounds 7 --out inference.json

Every runtime takes the same uint8 images and does its own preprocessing. In each round each runtime
works alone for a while, one after another, so that a busy machine slows all of them alike: compare
ratios, not the numbers of two runs. The baseline is `transformers`' ResNet-50, and for ResNet-20 a
network written the common way in eager PyTorch; weights are random.
"""

import argparse
import json
import platform
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from training_baselines import CommonResNet
from transformers import ResNetConfig, ResNetForImageClassification

from reslab.cli.output import print_table
from reslab.evaluation.classifier_runtime import ClassifierRuntime
from reslab.evaluation.runtime import Runtime
from reslab.export.describe import describe_classifier
from reslab.export.engines import import_openvino
from reslab.export.quantise import quantise_onnx
from reslab.export.runtimes import open_runtime
from reslab.export.speed import Speed, measure_speeds
from reslab.export.write_onnx import attach_description, build_onnx
from reslab.networks.catalogue import find_network
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import build_network
from reslab.networks.weights import save

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class CommonRuntime:
    """Eager PyTorch as it is commonly used: normalise in float, then call the model."""

    name = "torch"
    class_names: tuple[str, ...] = ()
    geometry = ImageGeometry(crop=1)

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval()
        self.mean, self.std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images [B, C, H, W] to logits."""
        with torch.inference_mode():
            pixels = torch.from_numpy(images).float().div(255)
            answer = self.model((pixels - self.mean) / self.std)
        logits: NDArray[np.float32] = getattr(answer, "logits", answer).numpy()
        return logits


class CompiledRuntime(ClassifierRuntime):
    """reslab's network under torch.compile."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__(classifier)
        self.compiled = torch.compile(classifier, dynamic=False)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images [B, C, H, W] to logits."""
        with torch.inference_mode():
            logits: NDArray[np.float32] = self.compiled(torch.from_numpy(images)).numpy()
        return logits


NETWORKS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "resnet20": (lambda: CommonResNet(find_network("resnet20")), "common PyTorch"),
    "resnet50": (
        lambda: ResNetForImageClassification(ResNetConfig.from_dict({"num_labels": 1000})),
        "transformers",
    ),
}


def build_classifier(name: str) -> Classifier:
    """The network with random weights."""
    config = find_network(name)
    return Classifier(
        build_network(config),
        Preprocessing(MEAN, STD, ImageGeometry(crop=config.input_size)),
        tuple(map(str, range(config.num_classes))),
        Provenance(source="random"),
    ).eval()


def write_onnx(classifier: Classifier, fp32: Path, int8: Path, images: NDArray[np.uint8]) -> None:
    """Write both ONNX files."""
    model = build_onnx(classifier, preprocessing_inside=True)
    description = describe_classifier(classifier, "fp32", preprocessing_inside=True)
    quantised = quantise_onnx(model, description, images)
    attach_description(model, description)
    fp32.write_bytes(model.SerializeToString())
    attach_description(
        quantised, describe_classifier(classifier, "int8", preprocessing_inside=True)
    )
    int8.write_bytes(quantised.SerializeToString())


def open_all(name: str, threads: int, folder: Path) -> dict[str, Runtime]:
    """Every runtime of one network, the baseline first."""
    classifier = build_classifier(name)
    build_common, baseline = NETWORKS[name]
    weights, fp32, int8 = (
        folder / f"{name}{suffix}" for suffix in (".safetensors", ".onnx", "-int8.onnx")
    )
    save(classifier, weights)
    write_onnx(classifier, fp32, int8, draw_images(name, 16))
    return {
        baseline: CommonRuntime(build_common()),
        "eager": ClassifierRuntime(classifier),
        "compiled": CompiledRuntime(classifier),
        "folded (torch)": open_runtime(weights, "torch", threads),
        "ONNX FP32 (onnx)": open_runtime(fp32, "onnx", threads),
        "ONNX INT8 (onnx)": open_runtime(int8, "onnx", threads),
        "ONNX FP32 (openvino)": open_runtime(fp32, "openvino", threads),
        "ONNX INT8 (openvino)": open_runtime(int8, "openvino", threads),
    }


def draw_images(name: str, count: int) -> NDArray[np.uint8]:
    """Random pixels of the network's size."""
    size = find_network(name).input_size
    return np.random.default_rng(0).integers(0, 256, (count, 3, size, size), np.uint8)


def print_speeds(name: str, batch: int, speeds: dict[str, Speed]) -> None:
    """One table: images per second, and how many times the baseline and eager."""
    baseline, eager = (list(speeds.values())[i].median for i in range(2))
    rows = [
        [
            runtime,
            f"{speed.median:.1f}",
            f"{speed.slowest:.1f}–{speed.fastest:.1f}",
            f"{speed.median / baseline:.2f}×",
            f"{speed.median / eager:.2f}×",
        ]
        for runtime, speed in speeds.items()
    ]
    title = f"{name}, batch {batch}, images per second"
    print_table(title, ["runtime", "median", "range", "of baseline", "of eager"], rows)


def describe_machine(threads: int) -> dict[str, Any]:
    """What the numbers depend on."""
    engines = {"openvino": import_openvino().get_version(), "torch": torch.__version__}
    return {"machine": platform.platform(), "threads": threads, **engines}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 64])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--block-seconds", type=float, default=0.4)
    parser.add_argument("--max-seconds", type=float, default=60, help="for one table")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        for name in options.networks:
            runtimes = open_all(name, options.threads, Path(folder))
            for batch in options.batches:
                images = draw_images(name, batch)
                for runtime in runtimes.values():
                    runtime.logits(images)  # Compiles, allocates, loads.
                speeds = measure_speeds(
                    runtimes,
                    images,
                    rounds=options.rounds,
                    block_seconds=options.block_seconds,
                    max_seconds=options.max_seconds,
                )
                print_speeds(name, batch, speeds)
                table = {runtime: asdict(speed) for runtime, speed in speeds.items()}
                results.append({"network": name, "batch": batch, "images_per_second": table})
    if options.out is not None:
        document = {**describe_machine(options.threads), "results": results}
        options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
