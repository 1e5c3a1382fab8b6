"""What a study is, and how studies are found by name."""

import sys
from abc import ABC, abstractmethod
from importlib import import_module
from pathlib import Path
from typing import ClassVar, TypeVar

from reslab.errors import ConfigError
from reslab.studies.evidence import Evidence
from reslab.studies.findings import Findings
from reslab.studies.measuring import Measurement
from reslab.studies.published import PublishedNumber
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.training.recipe import Budget

STUDIES: dict[str, "Study"] = {}


class Study(ABC):
    """A question, the runs and measurements that answer it, and how they are compared."""

    name: ClassVar[str]
    """By which the command finds it."""
    question: ClassVar[str]
    where: ClassVar[str]
    """Figures, tables and sections of the paper it stands for."""
    refuted_by: ClassVar[str]
    """What would show the paper's claim to be wrong here."""
    published: ClassVar[tuple[PublishedNumber, ...]] = ()
    """What the paper prints."""
    takes_weights: ClassVar[bool] = False
    """Whether trained classifiers can be given to be measured beside those trained here."""

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:  # noqa: ARG002
        """Depths where none are given; empty where depth is not the user's to choose."""
        return ()

    @abstractmethod
    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """The runs it needs; other studies' runs of the same configuration are reused.

        Raises:
            ConfigError: if the setting asks for a network that does not exist.
        """

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:  # noqa: ARG002
        """What is measured once the runs have ended; nothing by default."""
        return []

    @abstractmethod
    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare what was trained and measured; trains and measures nothing itself."""

    def list_deviations(self, setting: StudySetting) -> list[str]:  # noqa: ARG002
        """In what this study, beyond its setting, differs from the paper's experiment."""
        return []


StudyClass = TypeVar("StudyClass", bound=type[Study])


def register_study(study: StudyClass) -> StudyClass:
    """Decorator: make a study known under its name.

    Raises:
        ConfigError: if the name is taken.
    """
    if study.name in STUDIES:
        raise ConfigError(f"a study named {study.name!r} exists already; choose another name")
    STUDIES[study.name] = study()
    return study


def load_study_file(path: Path) -> Study:
    """Import a Python file that registers one study of its own, and return that study.

    Raises:
        ConfigError: if the file cannot be read or registers none.
    """
    if not path.is_file() or path.suffix != ".py":
        raise ConfigError(f"{path} is not a Python file: give the file that holds your study")
    # Imported by name, as the processes that train and measure will import it again.
    sys.path.insert(0, str(path.resolve().parent))
    module = import_module(path.stem)
    own = [study for study in STUDIES.values() if type(study).__module__ == module.__name__]
    if len(own) != 1:
        raise ConfigError(f"{path} registers {len(own)} studies: decorate one with @register_study")
    return own[0]
