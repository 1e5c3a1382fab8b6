"""The picture of the architecture says what the import contract checks."""

import importlib.util
from types import ModuleType

import pytest

from tests.docs.markdown_blocks import DOCS

PACKAGE = DOCS.parent / "src" / "reslab"


@pytest.fixture(scope="module")
def picture() -> ModuleType:
    spec = importlib.util.spec_from_file_location("picture", DOCS / "architecture_picture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_the_contract(picture: ModuleType) -> None:
    drawn = picture.draw(picture.read_layers())
    assert picture.PICTURE.read_text() == drawn, "run: python docs/architecture_picture.py"


def test_every_package_has_its_layer(picture: ModuleType) -> None:
    layers = {name for layer in picture.read_layers() for name in layer}
    packages = {f"reslab.{file.parent.name}" for file in PACKAGE.glob("*/__init__.py")}
    assert packages | {"reslab.errors"} == layers
    svg = picture.PICTURE.read_text()
    for name in layers:
        assert f">{name.removeprefix('reslab.')}</text>" in svg


def test_layers_are_drawn_in_their_order(picture: ModuleType) -> None:
    svg = picture.draw([["reslab.cli"], ["reslab.runs", "reslab.data"], ["reslab.errors"]])
    places = [svg.index(f">{name}</text>") for name in ("cli", "runs", "data", "errors")]
    assert places == sorted(places)
