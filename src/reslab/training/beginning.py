"""The classifier that a run begins with: random weights, or those of a file and a new head."""

from dataclasses import replace
from pathlib import Path

from reslab.data.seeds import derive_seed
from reslab.errors import ConfigError
from reslab.files.tensors import read_document
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.config import NetworkConfig
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import ResNet, build_network
from reslab.networks.weights import load
from reslab.training.images import TrainingImages
from reslab.training.run_config import RunConfig


def begin_classifier(config: RunConfig, images: TrainingImages) -> Classifier:
    """Build the network of a run, with preprocessing and class names of its images.

    One that starts from weights takes its preprocessing from them.

    Raises:
        WeightsError: if the file to start from is missing, damaged or does not fit.
        ConfigError: if it is not the file that the run was planned with.
    """
    network = build_network(config.network, derive_seed(config.seed, "weights"))
    provenance = Provenance(
        source=f"trained by reslab on {images.name}", details={"run": config.to_document()}
    )
    if config.starts_from is None:
        preprocessing = images.measure_preprocessing()
    else:
        trained = load_start(config)
        preprocessing = _with_geometry(trained.preprocessing, images.geometry)
        _take_over(network, trained, keep_head=trained.class_names == images.class_names)
    return Classifier(network, preprocessing, images.class_names, provenance)


def choose_geometry(config: RunConfig) -> ImageGeometry:
    """How images of one's own are brought to the size that a run's network is shown.

    Their shorter side becomes 256/224 of the square, unless the weights to start from expect
    another. The filter is bilinear in any case.

    Raises:
        WeightsError: if the file to start from is missing or damaged.
        ConfigError: if it is not the file that the run was planned with.
    """
    side = config.network.input_size
    if config.starts_from is None:
        return ImageGeometry(resize=round(side * 256 / 224), crop=side)
    geometry = load_start(config).preprocessing.geometry
    resize = geometry.crop if geometry.resize is None else geometry.resize
    return replace(geometry, resize=resize, interpolation="bilinear")


def adapt_network(weights: Path, name: str, num_classes: int) -> tuple[NetworkConfig, str]:
    """The network that a file holds, for other classes.

    Args:
        weights: written by reslab.
        name: what the user calls the network.
        num_classes: of the new head.

    Returns:
        The network and the file's digest.

    Raises:
        WeightsError: if the file is missing or damaged.
        ConfigError: if it holds another network.
    """
    network = load(weights).network.config
    if network.name != name:
        raise ConfigError(
            f"{weights} holds {network.name}, not {name}: train {network.name}, or give other "
            "weights"
        )
    digest: str = read_document(weights)["digest"]
    return replace(network, num_classes=num_classes), digest


def load_start(config: RunConfig) -> Classifier:
    """The classifier that a run starts from.

    Raises:
        WeightsError: if the file is missing or damaged.
        ConfigError: if it is not the file that the run was planned with.
    """
    path = config.execution.weights
    if path is None:
        raise ConfigError("the run starts from weights, but execution.weights names no file")
    digest = read_document(Path(path)).get("digest")
    if digest != config.starts_from:
        raise ConfigError(
            f"{path} is not the file that the run starts from: its digest is {str(digest)[:12]}, "
            f"the run's {str(config.starts_from)[:12]}"
        )
    return load(path)


def _with_geometry(preprocessing: Preprocessing, geometry: ImageGeometry) -> Preprocessing:
    return Preprocessing(preprocessing.mean, preprocessing.std.flatten(), geometry)


def _take_over(network: ResNet, trained: Classifier, *, keep_head: bool) -> None:
    """Copy the trained tensors; a head for other classes stays as initialised."""
    tensors = trained.network.state_dict()
    kept = {name: t for name, t in tensors.items() if keep_head or not name.startswith("fc.")}
    network.load_state_dict({**network.state_dict(), **kept})
