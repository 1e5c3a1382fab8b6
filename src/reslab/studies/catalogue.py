"""The paper's studies, in the order in which they build on each other's runs."""

from importlib import import_module
from pathlib import Path

from reslab.errors import ConfigError
from reslab.studies.study import STUDIES, Study, load_study_file

STUDY_NAMES = (
    "degradation",
    "depth",
    "shortcuts",
    "bottleneck",
    "responses",
    "identity",
    "gradients",
    "preactivation",
    "lesions",
    "landscape",
)


def list_studies() -> list[Study]:
    """All studies of the paper, in order."""
    return [find_study(name) for name in STUDY_NAMES]


def find_study(name: str) -> Study:
    """The study of that name, or the one that a Python file of one's own registers.

    Raises:
        ConfigError: if there is none.
    """
    if name.endswith(".py"):
        return load_study_file(Path(name))
    if name in STUDY_NAMES:
        import_module(f"reslab.studies.{name}")
    if name not in STUDIES:
        raise ConfigError(
            f"unknown study {name!r}: choose one of {', '.join(STUDY_NAMES)}, or give a Python "
            "file with one of your own"
        )
    return STUDIES[name]
