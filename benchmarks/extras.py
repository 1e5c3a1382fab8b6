"""Can each extra be installed alone? `python benchmarks/extras.py dist/*.whl`, needs a network.

For each extra an empty environment in which only PyTorch and what it needs are lent, since copying
it takes gigabytes; pip then resolves the wheel with that extra and says what it would install.
"""

import json
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
LENT = ("torch", "filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy")
LENT_ALSO = ("typing_extensions", "mpmath", "markupsafe")


def lend(folder: Path) -> None:
    """Link the files of PyTorch and of what it needs into a folder."""
    purelib = Path(sysconfig.get_path("purelib"))
    folder.mkdir()
    for name in (*LENT, *LENT_ALSO):
        for file in metadata.files(name) or ():
            first = file.parts[0]
            if first != ".." and not (folder / first).exists():
                (folder / first).symlink_to(purelib / first)


def resolve(wheel: Path, extra: str, folder: Path) -> list[str]:
    """What pip would install for the wheel with an extra, beside what is lent.

    Raises:
        CalledProcessError: if there is no set of versions that fits.
    """
    environment, report = folder / extra, folder / f"{extra}.json"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (place,) = (environment / "lib").glob("python*/site-packages")
    (place / "lent.pth").write_text(f"{folder / 'lent'}\n")
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python"]
    options = ["--dry-run", "--quiet", "--report", report]
    subprocess.run([*pip, "install", *options, f"{wheel}[{extra}]"], check=True)
    found = json.loads(report.read_text())["install"]
    return sorted(f"{one['metadata']['name']} {one['metadata']['version']}" for one in found)


def main() -> None:
    """Print a line for each extra."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = sys.argv[2:] or list(project["optional-dependencies"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lend(folder / "lent")
        for extra in extras:
            packages = resolve(Path(sys.argv[1]).resolve(), extra, folder)
            copied = any(package.startswith("torch ") for package in packages)
            note = " (torch among them)" if copied else ""
            print(f"{extra}: {len(packages)} packages{note}", flush=True)


if __name__ == "__main__":
    main()
