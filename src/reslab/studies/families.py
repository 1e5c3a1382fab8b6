"""Plain and residual nets of the same depths: the runs that most studies share."""

from typing import Literal

from reslab.networks.catalogue import cifar_name
from reslab.studies.setting import PlannedRun, StudySetting

Family = Literal["plain", "residual"]
FAMILIES: dict[Family, str] = {"plain": "plain", "residual": "resnet"}


def plan_families(setting: StudySetting) -> list[PlannedRun]:
    """A plain and a residual net of each depth.

    Raises:
        ConfigError: if a depth is not 6n+2.
    """
    return [
        run
        for kind in FAMILIES.values()
        for depth in sorted(setting.depths)
        for run in setting.plan_seeds(cifar_name(kind, depth))
    ]
