"""Can each extra be installed alone? `python benchmarks/extras.py dist/*.whl`, needs a network.

For each extra an empty environment in which only PyTorch and what it needs are lent, since copying
it takes gigabytes. There the wheel is installed, without the extra and with it, and a command that
needs the extra is tried: it has to fail, and then to work.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

REPOSITORY = Path(__file__).parents[1]
LENT = ("torch", "filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy")
LENT_ALSO = ("typing_extensions", "mpmath", "markupsafe")
TRAINING = "resnet8 --width 4 --steps 2 --device cpu --compile never"
TRIALS = {
    "data": "reslab data check labels.parquet",
    "docs": "python -m sphinx --version",
    "explain": "reslab predict run/weights.safetensors digit.png --explain maps",
    "export": "reslab export run/weights.safetensors digits.onnx --data digits",
    "fuzz": "python -c 'import atheris'",
    "hub": "python -c 'import reslab.networks.hub'",
    "ray": f"reslab sweep {TRAINING} --vary seed=0,1 --on ray --out swept",
    "ui": "python -c 'import reslab.web.app'",
    "tensorboard": "reslab track run --track tensorboard",
    "wandb": "reslab track run --track wandb",
    "mlflow": "reslab track run --track mlflow",
    "trackio": "reslab track run --track trackio",
    "track": "reslab track run --track tensorboard,wandb,mlflow,trackio",
    "dev": "pytest --version",
}


def lend(folder: Path) -> None:
    """Link the files of PyTorch and of what it needs into a folder."""
    purelib = Path(sysconfig.get_path("purelib"))
    folder.mkdir()
    for name in (*LENT, *LENT_ALSO):
        for file in metadata.files(name) or ():
            first = file.parts[0]
            if first != ".." and not (folder / first).exists():
                (folder / first).symlink_to(purelib / first)


def make_things_to_try_on(folder: Path) -> None:
    """A run, an image, and a table that lists it."""
    reslab = [sys.executable, "-m", "reslab"]
    subprocess.run([*reslab, "train", *TRAINING.split(), "--out", folder / "run"], check=True)
    Image.new("RGB", (8, 8)).save(folder / "digit.png")
    table = pa.table({"path": ["digit.png"], "label": ["black"]})
    pq.write_table(table, folder / "labels.parquet")


def install(wheel: str, environment: Path) -> int:
    """Install a wheel, extras in brackets; returns how many packages are there, less those lent.

    Raises:
        CalledProcessError: if there is no set of versions that fits.
    """
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python"]
    subprocess.run([*pip, "install", "-qq", "--only-binary", ":all:", wheel], check=True)
    (place,) = (environment / "lib").glob("python*/site-packages")
    return len(list(place.glob("*.dist-info")))


def attempt(command: str, environment: Path, folder: Path) -> str | None:
    """Run a command with the programs of an environment, on a copy of what is in a folder.

    Returns:
        What it complains of, if it fails.
    """
    program, *arguments = shlex.split(command)
    path = environment / "bin" / program
    if not path.exists():
        return f"there is no {program}"
    with tempfile.TemporaryDirectory() as copied:
        shutil.copytree(folder, copied, dirs_exist_ok=True)
        ended = subprocess.run(
            [path, *arguments], cwd=copied, capture_output=True, text=True, check=False
        )
    return ended.stderr or ended.stdout or "failed" if ended.returncode else None


def try_extra(wheel: Path, extra: str, folder: Path) -> str | None:
    """Install without and with the extra and try its command; returns what is wrong."""
    environment = folder / f"environment-{extra}"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (place,) = (environment / "lib").glob("python*/site-packages")
    (place / "lent.pth").write_text(f"{folder / 'lent'}\n")
    before = install(str(wheel), environment)
    complaint = attempt(TRIALS[extra], environment, folder / "things")
    added = install(f"{wheel}[{extra}]", environment) - before
    problem = attempt(TRIALS[extra], environment, folder / "things")
    shutil.rmtree(environment)
    print(
        f"{extra}: {added} packages more; {TRIALS[extra]}: {'fails' if problem else 'works'}",
        flush=True,
    )
    if problem:
        return f"{extra}: {problem}"
    return None if complaint else f"{extra}: {TRIALS[extra]} works without it too"


def main() -> None:
    """Print a line for each extra; end with an error if one of them cannot be used alone."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = sys.argv[2:] or list(project["optional-dependencies"])
    os.environ |= {"WANDB_MODE": "offline"}
    # What lies there would count as installed.
    os.environ.pop("PYTHONPATH", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lend(folder / "lent")
        make_things_to_try_on(folder / "things")
        problems = [try_extra(Path(sys.argv[1]).resolve(), extra, folder) for extra in extras]
    if found := [problem for problem in problems if problem]:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
