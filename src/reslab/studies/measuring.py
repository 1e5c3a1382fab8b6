"""Measurements of trained nets: each made once, in a process of its own, and kept as JSON."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from reslab.data.config import DATASET_SHAPES
from reslab.data.dataset import Dataset
from reslab.data.load import load_dataset
from reslab.errors import ConfigError, RunError
from reslab.files.documents import (
    digest_document,
    read_json,
    to_document,
    write_sealed_json,
)
from reslab.networks.classifier import Classifier
from reslab.networks.config import NetworkConfig
from reslab.networks.weights import load
from reslab.runs.executor import Locate
from reslab.studies.relocating import relocate
from reslab.training.run_config import ExecutionConfig, RunConfig
from reslab.training.start import find_device, own_threads

MEASUREMENTS_FOLDER = "measurements"


@dataclass(frozen=True)
class Subject:
    """What a measurement is made on."""

    data: str
    """Name of the data set."""
    execution: ExecutionConfig
    config: RunConfig | None
    """The run measured; None for a file of weights, and where no net is needed."""
    weights_path: Path | None
    """The trained net; None where a run's net is wanted untrained, or none at all."""

    @property
    def device(self) -> torch.device:
        """Where to compute."""
        return find_device(self.execution.device)

    @cached_property
    def dataset(self) -> Dataset:
        """The data set, loaded when first asked for.

        Raises:
            DataError: if it is missing or wrong.
        """
        root = self.execution.data_root
        return load_dataset(self.data, Path(root) if root else None)

    @cached_property
    def classifier(self) -> Classifier:
        """The trained net, in evaluation mode on `device`.

        Raises:
            RunError: if the measurement did not ask for a trained net.
            WeightsError: if its file is damaged.
            ConfigError: if the net was made for other images or classes than the data set's.
        """
        if self.weights_path is None:
            raise RunError("this measurement has no trained net: give it a run or weights")
        classifier = load(self.weights_path, self.device)
        _check_fit(classifier.network.config, self.data, self.weights_path)
        return classifier


def _check_fit(network: NetworkConfig, data: str, path: Path) -> None:
    shape = DATASET_SHAPES[data]
    if (network.in_channels, network.num_classes) != (shape.channels, shape.num_classes):
        raise ConfigError(
            f"{path} is a net for images of {network.in_channels} channels in "
            f"{network.num_classes} classes, but {data} has {shape.channels} and "
            f"{shape.num_classes}: choose its data set with --data"
        )


MeasureFunction = Callable[..., dict[str, Any]]
"""`function(subject, **arguments)`, importable by name; returns plain JSON types."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One thing to measure."""

    label: str
    """The net it is measured on, as it is called in tables."""
    function: MeasureFunction
    run: RunConfig | None = None
    """The run whose net is measured."""
    trained: bool = True
    """Whether the run must have ended; otherwise the function trains or builds the net itself."""
    weights: str | None = None
    """File of the net measured, instead of a run's."""
    seed: int = 0
    """To tell repetitions apart."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Passed to the function; plain JSON types and frozen dataclasses."""

    @property
    def kind(self) -> str:
        """The function's name, by which a study finds its measurements."""
        return self.function.__name__


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A measurement that was made."""

    label: str
    kind: str
    seed: int
    arguments: dict[str, Any]
    values: dict[str, Any]
    """What the function returned."""


@dataclass(frozen=True)
class MeasuringJob:
    """A measurement with all that its process needs."""

    measurement: Measurement
    subject: Subject
    path: Path
    """Where the values are kept."""
    module: str
    """The study's, imported first so that its blocks and shortcuts are known."""


def place_measurement(
    measurement: Measurement,
    folder: Path,
    *,
    data: str,
    execution: ExecutionConfig,
    weights_path: Path | None,
    module: str,
) -> MeasuringJob:
    """Say where a measurement is kept, by the digest of all that determines it.

    Args:
        measurement: what to measure.
        folder: the study's.
        data: name of the data set.
        execution: where to compute.
        weights_path: the trained net, if one is measured.
        module: the study's.

    Raises:
        RunError: if the weights cannot be read.
    """
    key = {
        "function": f"{measurement.function.__module__}.{measurement.kind}",
        "data": data,
        "run": measurement.run.digest if measurement.run else None,
        "weights": _digest_file(Path(measurement.weights)) if measurement.weights else None,
        "arguments": to_document(measurement.arguments),
    }
    name = f"{measurement.kind}-{measurement.label}-seed{measurement.seed}"
    return MeasuringJob(
        measurement=measurement,
        subject=Subject(data, execution, measurement.run, weights_path),
        path=folder / MEASUREMENTS_FOLDER / f"{_plain_name(name)}-{digest_document(key)[:10]}.json",
        module=module,
    )


def carry_out_measurement(job: MeasuringJob, locate: Locate) -> None:
    """Measure and keep the values, unless they are there already."""
    path = locate(job.path)
    if path.is_file():
        return
    import_module(job.module)
    measurement, subject = job.measurement, _locate_subject(job.subject, locate)
    with own_threads(subject.execution.threads):
        values = measurement.function(subject, **measurement.arguments)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sealed_json(path, values)


def _locate_subject(subject: Subject, locate: Locate) -> Subject:
    weights = subject.weights_path
    return replace(
        subject,
        execution=relocate(subject.execution, locate),
        weights_path=None if weights is None else locate(weights),
    )


def read_measured(job: MeasuringJob) -> Measured:
    """The values kept.

    Raises:
        RunError: if they are not there.
        ConfigError: if the file is damaged.
    """
    if not job.path.is_file():
        raise RunError(f"{job.path} is missing: give the study's command again to measure it")
    measurement = job.measurement
    return Measured(
        label=measurement.label,
        kind=measurement.kind,
        seed=measurement.seed,
        arguments=to_document(measurement.arguments),
        values=read_json(job.path),
    )


def _digest_file(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise RunError(f"the weights {path} are not a regular file: give a weights file")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise RunError(f"cannot read the weights {str(path)!r}: {error}") from error


def _plain_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else "_" for c in text)
