"""What is handed out: wheel and sdist, built, checked, installed where nothing is, and tried."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


SMALL = ("--data", "digits", "--steps", "3", "--width", "4", "--device", "cpu")


def clean_environment() -> dict[str, str]:
    """The variables of this process but for those that would show this checkout."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def run(*command: str | Path, **options: object) -> str:
    """Carry out a command that is expected to succeed; returns what it prints."""
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True, text=True, check=False, env=clean_environment(), **options,  # type: ignore[call-overload]
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return str(done.stdout)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is built from it."""
    pytest.importorskip("build", reason="pip install 'reslab[dev]'")
    folder = tmp_path_factory.mktemp("dist")
    copy = tmp_path_factory.mktemp("checkout") / "reslab"
    run("git", "clone", "--quiet", "--no-hardlinks", REPOSITORY, copy)
    for name in run("git", "ls-files", "-z", "-mo", "--exclude-standard", cwd=REPOSITORY).split(
        "\0"
    ):
        if name and (REPOSITORY / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((REPOSITORY / name).read_bytes())
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, copy)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that has the wheel, and all that the extras ask for."""
    return install(built, tmp_path_factory.mktemp("full"), Path(sysconfig.get_path("purelib")))


@pytest.fixture(scope="module")
def without_extras(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without any distribution that only an extra asks for."""
    lent = tmp_path_factory.mktemp("lent")
    left_out = list_modules_of_extras()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.name.partition(".")[0] not in left_out and entry.suffix != ".pth":
            (lent / entry.name).symlink_to(entry)
    return install(built, tmp_path_factory.mktemp("bare"), lent)


def install(built: Path, folder: Path, lent: Path) -> Path:
    """Install the wheel into a new environment, and lend it other packages, PyTorch among them.

    A `.pth` file lends them. Editable installs, this checkout's among them, are found by `.pth`
    files of their own, which are not read in a folder that is lent.
    """
    run(sys.executable, "-m", "venv", "--without-pip", folder / "environment")
    commands = folder / "environment" / "bin"
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = Path(run(commands / "python", "-c", purelib).strip())
    (place / "lent.pth").write_text(f"{lent}\n")
    (wheel,) = built.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", commands / "python")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel)
    return commands


def test_wheel_and_sdist_pass_the_checks_of_an_index(built: Path) -> None:
    files = sorted(built.iterdir())
    assert [file.name for file in files] == [
        f"reslab-{PROJECT['version']}-py3-none-any.whl", f"reslab-{PROJECT['version']}.tar.gz",
    ]  # fmt: skip
    run(sys.executable, "-m", "twine", "check", "--strict", *files)
    run(Path(sys.executable).with_name("check-wheel-contents"), files[0])


def test_the_wheel_has_every_file_of_the_package(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "ls-files", "src/reslab", cwd=REPOSITORY).split()
    assert {name.removeprefix("src/") for name in tracked} <= names
    assert not [name for name in names if name.startswith("tests/")]


def test_the_sdist_can_be_tested(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "src/reslab/py.typed"} <= names
    assert {"Makefile", "constraints.txt", "tests/conftest.py", "docs/conf.py"} <= names


def test_the_version_is_the_same_everywhere(installed: Path) -> None:
    code = "import reslab, importlib.metadata as m; print(reslab.__version__, m.version('reslab'))"
    assert run(installed / "python", "-c", code).split() == [PROJECT["version"]] * 2


def test_the_installed_command_trains_tests_and_reports(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import reslab; print(reslab.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    reslab = installed / "reslab"
    run(reslab, "train", "resnet8", *SMALL, "--out", "r8", cwd=tmp_path)
    printed = run(
        reslab, "evaluate", "r8/weights.safetensors", "--data", "digits", "--json", cwd=tmp_path
    )
    assert json.loads(printed)["n"] == 364
    study = ("study", "degradation", *SMALL, "--depths", "8", "--seeds", "1", "--workers", "1")
    run(reslab, *study, "--out", "study", cwd=tmp_path)
    assert "degradation" in (tmp_path / "study" / "report.html").read_text()


def test_reslab_works_without_any_extra(without_extras: Path, tmp_path: Path) -> None:
    names = list_modules_of_extras()
    assert {"onnx", "openvino", "captum", "huggingface_hub", "dash"} <= names
    code = (
        "import importlib.util, reslab\n"
        "for name in reslab.__all__: getattr(reslab, name)\n"
        f"print(*filter(importlib.util.find_spec, {sorted(names)}))\n"
    )
    assert run(without_extras / "python", "-c", code, cwd=tmp_path).split() == []
    reslab = without_extras / "reslab"
    run(reslab, "train", "resnet8", *SMALL, "--out", "r8", cwd=tmp_path)
    refused = subprocess.run(
        [reslab, "export", "r8/weights.safetensors", "r8.onnx"],
        cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "reslab[export]" in refused.stderr


def list_modules_of_extras() -> set[str]:
    """The top-level modules of every distribution that only an extra asks for."""
    extras = PROJECT["optional-dependencies"]
    asked = {name_of(line) for extra, lines in extras.items() if extra != "dev" for line in lines}
    needed = {"reslab", *(name_of(line) for line in PROJECT["dependencies"])}
    return {
        module
        for module, names in metadata.packages_distributions().items()
        if {name_of(name) for name in names} & (asked - needed) and not module.startswith("_")
    }


def name_of(requirement: str) -> str:
    """`huggingface-hub` of `huggingface_hub>=1.0`."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def test_help_imports_no_pytorch(installed: Path) -> None:
    code = (
        "import sys\n"
        "from reslab.cli.main import parse\n"
        "try: parse(['--help'])\n"
        "except SystemExit: pass\n"
        "print('MODULES', *sys.modules)\n"
    )
    modules = run(installed / "python", "-c", code).rpartition("MODULES")[2].split()
    assert not [name for name in modules if name.partition(".")[0] in ("torch", "matplotlib")]
    assert "reslab.cli.train" in modules
