"""What the tests share: where the reference data is, and small networks."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data sets and published weights; tests that need it skip where it is absent."""
    default = Path(__file__).parents[1].parent / "shared"
    folder = Path(os.environ.get("RESLAB_SHARED", default))
    if not (folder / "README.md").is_file():
        pytest.skip(f"reference data not found: set RESLAB_SHARED (looked in {folder})")
    return folder
