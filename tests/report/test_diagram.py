"""The drawing of a network says what its layer table says."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reslab.cli.describe import Describe
from reslab.errors import ConfigError
from reslab.networks.catalogue import find_network
from reslab.networks.complexity import describe_network
from reslab.report.diagram import DARK, draw_network, save_diagram
from reslab.report.diagram_parts import fold, list_parts

SVG = "{http://www.w3.org/2000/svg}"


def drawn(name: str, *, whole: bool = True, shortcut: str | None = None) -> ElementTree.Element:
    config = find_network(name, shortcut=shortcut)
    return ElementTree.fromstring(draw_network(config, whole=whole))  # noqa: S314 - our own


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def count_arcs(root: ElementTree.Element) -> tuple[int, int]:
    """Solid and dotted ones."""
    arcs = [path for path in root.iter(f"{SVG}path") if "Q" in path.get("d", "")]
    dotted = sum(path.get("stroke-dasharray") is not None for path in arcs)
    return len(arcs) - dotted, dotted


@pytest.mark.parametrize("name", ["resnet20", "plain56", "resnet34", "resnet50", "preresnet110"])
def test_every_weighted_layer_has_a_box(name: str) -> None:
    config = find_network(name)
    layers = describe_network(config).weighted_layers
    root = drawn(name)
    boxes = sum(" conv," in text for text in texts(root) if "×" in text)
    around = describe_network(config).shortcuts["projection"]
    linear = sum(text.startswith("fc ") for text in texts(root))
    assert boxes - around + linear == layers


@pytest.mark.parametrize(
    ("name", "shortcut", "solid", "dotted"),
    [
        # Fig. 3: three of the 34-layer residual net's shortcuts are dotted.
        ("resnet34", None, 13, 3),
        ("resnet20", "A", 7, 2),
        ("resnet20", "C", 7, 2),
        # The first stage of bottlenecks widens as well.
        ("resnet50", None, 12, 4),
        ("plain34", None, 0, 0),
    ],
)
def test_shortcuts_are_dotted_where_dimensions_change(
    name: str, shortcut: str | None, solid: int, dotted: int
) -> None:
    assert count_arcs(drawn(name, shortcut=shortcut)) == (solid, dotted)


def test_sizes_are_those_of_table_1() -> None:
    sizes = [
        text for text in texts(drawn("resnet34")) if text.count("×") == 1 and "conv" not in text
    ]
    assert sizes == ["112×112", "56×56", "28×28", "14×14", "7×7", "1×1"]


def test_projections_say_what_they_are() -> None:
    assert "1×1 conv, 128, /2" in texts(drawn("resnet34"))
    assert "zeros, /2" in texts(drawn("resnet20"))


def test_deep_networks_leave_out_what_is_alike_and_count_it() -> None:
    config = find_network("resnet110")
    parts = list_parts(config, describe_network(config))
    folded = fold(parts)
    assert len(folded) < len(parts)
    assert sum(max(part.left_out, 1) for part in folded) == len(parts)
    assert any("more blocks like these" in text for text in texts(drawn("resnet110", whole=False)))


def test_names_are_shown_as_text() -> None:
    config = replace(find_network("resnet20"), name="<script>x</script>\x1b]0;")
    drawing = draw_network(config, colours=DARK)
    assert "<script" not in drawing
    assert "\x1b" not in drawing


def test_describe_writes_the_drawing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Describe(name="resnet20", diagram=tmp_path / "net.svg").run() == 0
    assert (tmp_path / "net.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "269,722" in capsys.readouterr().out


def test_drawing_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot write"):
        save_diagram(find_network("resnet20"), tmp_path / "nowhere" / "net.svg")
