"""What every page shares: the templates, pictures within the file, where it was made."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from reslab.errors import ConfigError
from reslab.files.documents import read_json
from reslab.runs.directory import RunDirectory
from reslab.studies.conduct import StudyOutcome


def open_templates() -> Environment:
    """The templates; whatever they are given is escaped unless they say otherwise."""
    return Environment(
        loader=PackageLoader("reslab.report"),
        autoescape=select_autoescape(default=True, disabled_extensions=("css.j2",)),
        undefined=StrictUndefined,
    )


def inline_png(path: Path) -> str:
    """A picture as a `data:` address, so that the page is one file."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def describe_environment_of(outcome: StudyOutcome) -> dict[str, str]:
    """Where the first run of a study was made; empty without runs."""
    if not outcome.evidence.runs:
        return {}
    run = RunDirectory(outcome.evidence.runs[0].folder)
    environment: Any = read_json(run.environment_path)
    if not isinstance(environment, dict) or not isinstance(environment.get("packages"), dict):
        raise ConfigError(f"{run.environment_path} is damaged: restore it from a copy")
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    return {**{key: str(value) for key, value in environment.items()}, "packages": packages}
