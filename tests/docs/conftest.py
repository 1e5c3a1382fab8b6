"""The site, built once for all tests of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown_blocks import DOCS


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site as `make site` builds it; a warning is an error."""
    pytest.importorskip("sphinx", reason="pip install 'reslab[docs]'")
    folder = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "--quiet", "--builder", "html"]
    command = [sys.executable, "-m", "sphinx", *options, str(DOCS), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder
