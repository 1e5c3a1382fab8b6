"""The kinds of shortcut, the nets that have them, and what the paper prints of each."""

from reslab.networks.catalogue import cifar_name
from reslab.networks.config import NetworkConfig
from reslab.studies.published import PublishedNumber
from reslab.studies.setting import StudySetting

OPTIONS = ("none", "A", "B", "C")
_UNIT = "top-1 error %, 10-crop"
TABLE_3 = (
    PublishedNumber(label="plain34", value=28.54, unit=_UNIT, where="Table 3"),
    PublishedNumber(label="resnet34 A", value=25.03, unit=_UNIT, where="Table 3"),
    PublishedNumber(label="resnet34 B", value=24.52, unit=_UNIT, where="Table 3"),
    PublishedNumber(label="resnet34 C", value=24.19, unit=_UNIT, where="Table 3"),
)
BY_OPTION = dict(zip(OPTIONS, TABLE_3, strict=True))


def label_of(depth: int, option: str) -> str:
    """What a net is called here."""
    return f"{depth} layers, {'no shortcuts' if option == 'none' else f'option {option}'}"


def choose_network(setting: StudySetting, depth: int, option: str) -> NetworkConfig:
    """The net of this depth with one kind of shortcut.

    Raises:
        ConfigError: if the depth is not 6n+2.
    """
    if option == "none":
        return setting.plan_network(cifar_name("plain", depth))
    return setting.plan_network(cifar_name("resnet", depth), shortcut=option)
