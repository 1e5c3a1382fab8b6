"""State dicts with torchvision's names and an architecture given by name."""

from reslab.errors import ConfigError
from reslab.networks.config import NetworkConfig
from reslab.networks.conversion.inference import fit_network
from reslab.networks.conversion.origins import Origin, Translation
from reslab.networks.conversion.source import Source
from reslab.networks.geometry import ImageGeometry


def require_network(
    source: Source, network: NetworkConfig | str | None, origin: str
) -> NetworkConfig | str:
    """The network asked for, where a source does not show its own.

    Raises:
        ConfigError: if none was.
    """
    if network is None:
        raise ConfigError(
            f"{source.file}: weights of origin {origin!r} do not say their architecture; name it, "
            "for example --as resnet20 or --as plain56"
        )
    return network


def explain_network(config: NetworkConfig) -> dict[str, str]:
    """What the tensors cannot show of a network that the caller named."""
    choices = {}
    if config.family == "plain":
        choices["shortcuts"] = "none, as asked; the tensors are those of a residual net of option A"
    if config.shortcut.startswith("A"):
        layout = "split" if config.shortcut == "A-split" else "after the real channels"
        choices["zero_padding"] = f"{layout} (option {config.shortcut}); the tensors cannot show it"
    if config.block.startswith("bottleneck"):
        choices["stride"] = (
            f"as in the network asked for, {config.name}; the tensors cannot show it"
        )
    return choices


def _translate(source: Source, network: NetworkConfig | str | None) -> Translation:
    config = fit_network(require_network(source, network, "plain"), source.tensors)
    return Translation(
        config=config,
        state_dict=source.tensors,
        names={name: name for name in source.tensors},
        geometry=ImageGeometry(resize=config.input_size, crop=config.input_size),
        choices=explain_network(config),
    )


PLAIN = Origin(
    name="plain",
    description="a state dict with torchvision's names; the architecture is given by name",
    recognises=lambda source: {"conv1.weight", "fc.weight"} <= source.tensors.keys(),
    translate=_translate,
)
