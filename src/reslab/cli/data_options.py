"""The options by which verbs find a data set, and how `--download` is carried out."""

from pathlib import Path

from reslab.cli.progress import open_meter
from reslab.errors import ConfigError


def provide_data(name: str, root: Path | None, *, download: bool) -> Path | None:
    """The folder of a data set's files, fetched first if asked for.

    Raises:
        ConfigError: if a download is asked for without a folder, or of a data set that is embedded.
        DataError: if the download fails.
    """
    if not download:
        return root
    from reslab.data.load import CIFAR_LAYOUTS  # noqa: PLC0415
    from reslab.data.sources.cifar import download_cifar  # noqa: PLC0415

    if name not in CIFAR_LAYOUTS:
        raise ConfigError(f"{name} is embedded and needs no --download")
    if root is None:
        raise ConfigError(f"--download needs a folder for {name}: add --data-root DIR")
    with open_meter(f"downloading {name}", "bytes") as meter:
        return download_cifar(CIFAR_LAYOUTS[name], root, meter.update)
