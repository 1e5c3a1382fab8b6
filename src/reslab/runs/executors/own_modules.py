"""A user's own Python files, such as a study's, for machines that do not have them."""

import importlib.util
import site
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from reslab.errors import RunError


def read_modules(names: Iterable[str]) -> dict[str, bytes]:
    """The source of each module that is not part of an installed package.

    Raises:
        RunError: if one of them cannot be sent.
    """
    files = {name: _find_own_file(name) for name in names}
    return {name: file.read_bytes() for name, file in files.items() if file is not None}


def _find_own_file(name: str) -> Path | None:
    if name == "__main__":
        raise RunError(
            "this study is defined in the script that carries it out, which other machines do not "
            "have: move it to a Python file of its own and import it"
        )
    top, _, rest = name.partition(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None or _is_installed(Path(spec.origin), top):
        return None
    if rest or spec.submodule_search_locations is not None:
        raise RunError(f"the package {top} is not installed: install it here and on every node")
    return Path(spec.origin)


def _is_installed(file: Path, top: str) -> bool:
    if top == __name__.partition(".")[0]:
        return True
    folders = {sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib")}
    folders |= {*site.getsitepackages(), site.getusersitepackages()}
    return any(file.is_relative_to(folder) for folder in folders)
