"""From a run's configuration to its data, and to a session at its beginning."""

from pathlib import Path

import torch

from reslab.data.config import DATASET_NAMES, DataConfig, ImageDataConfig
from reslab.data.dataset import Dataset
from reslab.data.image_set import ImageCollection
from reslab.data.load import divide, load_dataset
from reslab.data.sources.opening import Opening, open_images
from reslab.data.sources.parts import Splitting
from reslab.errors import ConfigError, DataError
from reslab.training.beginning import choose_geometry
from reslab.training.images import HeldImages, TrainingImages
from reslab.training.ranks import ALONE, Ranks
from reslab.training.run_config import ExecutionConfig, RunConfig
from reslab.training.session import TrainingSession
from reslab.training.start import find_rank_device
from reslab.training.streamed_images import StreamedImages

RunData = Dataset | ImageCollection
"""A data set in memory, or images on disk."""


def load_data(config: RunConfig) -> RunData:
    """The data set of a run.

    Raises:
        DataError: if it is missing, wrong, or no longer the one that the run was planned with.
    """
    if isinstance(config.data, ImageDataConfig):
        return _reopen(config.data, config.execution)
    return load_named(config)


def load_named(config: RunConfig) -> Dataset:
    """The data set of a run that has one by name, to be held in memory.

    Raises:
        ConfigError: if the run trains on images of one's own.
        DataError: if the data set is missing or wrong.
    """
    root = config.execution.data_root
    return load_dataset(_require_named(config).name, Path(root) if root else None)


def hold_images(config: RunConfig, dataset: Dataset, device: torch.device) -> HeldImages:
    """A data set in memory as a run sees it, moved to a device.

    Raises:
        ConfigError: if the run trains on images of one's own.
        DataError: if too many images are to be held out.
    """
    return HeldImages(divide(dataset, _require_named(config)).to(device), config.recipe)


def open_collection(execution: ExecutionConfig, splitting: Splitting) -> ImageCollection:
    """Open images of one's own where `execution` says they are.

    Raises:
        ConfigError: if it does not say so, or an option is missing.
        DataError: if there is no data set.
    """
    if execution.data_path is None:
        raise ConfigError("images of one's own need their place: set execution.data_path")
    root, cache = (
        None if path is None else Path(path) for path in (execution.data_root, execution.data_cache)
    )
    return open_images(execution.data_path, Opening(splitting=splitting, root=root, cache=cache))


def open_session(config: RunConfig, dataset: RunData, ranks: Ranks = ALONE) -> TrainingSession:
    """A run at its beginning, with its data on its device or on the way there.

    Raises:
        ConfigError: if the device is not there, or has not the recipe's precision.
    """
    device = find_rank_device(config.execution.device, ranks)
    images = _open_images(config, dataset, device, ranks)
    try:
        return TrainingSession(config, images, device, ranks)
    except BaseException:
        images.close()
        raise


def _open_images(
    config: RunConfig, dataset: RunData, device: torch.device, ranks: Ranks
) -> TrainingImages:
    if isinstance(dataset, ImageCollection):
        return StreamedImages(dataset, config, choose_geometry(config), device, ranks)
    return hold_images(config, dataset, device)


def _require_named(config: RunConfig) -> DataConfig:
    if isinstance(config.data, ImageDataConfig):
        raise ConfigError(
            f"{config.data.name} is not a data set with a name, and is decoded while training: "
            f"choose one of {', '.join(DATASET_NAMES)} here"
        )
    return config.data


def _reopen(data: ImageDataConfig, execution: ExecutionConfig) -> ImageCollection:
    splitting = Splitting(fraction=data.validation_fraction, seed=data.split_seed)
    collection = open_collection(execution, splitting)
    if collection.digest() != data.digest:
        raise DataError(
            f"the images at {execution.data_path} are not those that the run was planned with: "
            "some were added, removed, renamed or changed in size. Restore them, or begin another "
            "run with --out"
        )
    return collection
