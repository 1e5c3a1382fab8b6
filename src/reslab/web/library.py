"""Trained classifiers and data sets, kept open for the next question."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from reslab.data.config import DATASET_SHAPES
from reslab.data.dataset import Dataset
from reslab.data.load import load_dataset
from reslab.errors import ConfigError
from reslab.networks.classifier import Classifier
from reslab.networks.config import NetworkConfig
from reslab.networks.weights import load
from reslab.runs.directory import RunDirectory

KEPT = 4
MAX_FILE_BYTES = 2**30
Key = tuple[Path, int, int]


class Library:
    """Opens weights files once; one question at a time, as a classifier answers no two at once.

    Args:
        data_root: folder of CIFAR's official binary files.
    """

    def __init__(self, data_root: Path | None = None) -> None:
        self._data_root = data_root
        self._lock = threading.Lock()
        self._open: OrderedDict[Key, Classifier] = OrderedDict()

    @contextmanager
    def use(self, path: Path) -> Iterator[Classifier]:
        """The classifier of a weights file, for as long as the context lasts.

        Raises:
            WeightsError: if the file is damaged or of another kind.
            ConfigError: if it is larger than any that this page opens.
        """
        with self._lock:
            status = path.stat()
            if status.st_size > MAX_FILE_BYTES:
                raise ConfigError(f"{path.name} is larger than 1 GiB: use it by the command")
            key = (path, status.st_mtime_ns, status.st_size)
            if key not in self._open:
                self._open[key] = load(path)
            self._open.move_to_end(key)
            while len(self._open) > KEPT:
                self._open.popitem(last=False)
            yield self._open[key]

    def find_data(self, path: Path, network: NetworkConfig) -> Dataset:
        """The data set that a weights file was trained on, as far as can be told.

        Args:
            path: the weights file; where it is a run's, the run says it.
            network: of the classifier.

        Raises:
            ConfigError: if no data set fits the network.
            DataError: if its files are not there.
        """
        run = RunDirectory(path.parent)
        if run.exists():
            name = str(run.read_config()["config"]["data"]["name"])
        else:
            name = _guess_data(network)
        return _load_data(name, self._data_root if name != "digits" else None)


@lru_cache(maxsize=1)
def _load_data(name: str, root: Path | None) -> Dataset:
    return load_dataset(name, root)


def _guess_data(network: NetworkConfig) -> str:
    wanted = (network.num_classes, network.in_channels, network.input_size)
    for name, shape in DATASET_SHAPES.items():
        if wanted == (shape.num_classes, shape.channels, shape.image_size):
            return name
    raise ConfigError(
        f"{network.name} takes images of {network.input_size}×{network.input_size} in "
        f"{network.num_classes} classes, as no data set here has them"
    )
