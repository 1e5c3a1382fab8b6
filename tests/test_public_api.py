"""What `import reslab` promises."""

import ast
import subprocess
import sys
from pathlib import Path

import reslab


def test_every_public_name_is_there() -> None:
    for name in reslab.__all__:
        assert getattr(reslab, name).__doc__, name
    assert set(reslab.__all__) <= set(dir(reslab))


def test_type_checkers_see_the_names_that_exist() -> None:
    tree = ast.parse(Path(reslab.__file__).read_text())
    seen = {
        name.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("reslab.")
        for name in node.names
    }
    assert seen == reslab._HOMES


def test_importing_reslab_and_its_command_does_not_import_torch() -> None:
    code = "import reslab, reslab.cli.main, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
