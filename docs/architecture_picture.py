"""Draw the layers of the import contract: `python docs/architecture_picture.py`.

Writes docs/images/architecture.svg from the contract in pyproject.toml and the first lines of the
packages' docstrings, so that the picture says what is checked. A test fails while the two differ.
"""

import ast
import textwrap
import tomllib
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

REPOSITORY = Path(__file__).parents[1]
PICTURE = Path(__file__).parent / "images" / "architecture.svg"
WIDTH, GAP, MARGIN, LINE, PADDING = 840, 20, 16, 17, 12
LETTER = 6.3
"""Mean width of a letter of the descriptions."""
STYLE = """
  text { font-family: system-ui, sans-serif; fill: #1c2430; }
  .name { font-size: 15px; font-weight: 600; }
  .what { font-size: 12px; fill: #4a5565; }
  rect { fill: #eef3fa; stroke: #5b7fb4; }
  path { stroke: #5b7fb4; stroke-width: 1.5; fill: none; marker-end: url(#tip); }
"""


def read_layers() -> list[list[str]]:
    """The packages of each layer, the topmost first, as `lint-imports` checks them."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    (contract,) = (
        contract
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def describe_package(name: str) -> str:
    """The first line of a package's docstring."""
    path = REPOSITORY.joinpath("src", *name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    first = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]
    return first.partition("(")[0].strip().rstrip(".").replace("`", "")


def draw(layers: list[list[str]]) -> str:
    """The layers as SVG: one row each, an arrow from each to the next."""
    parts, top = [], MARGIN
    for i, layer in enumerate(layers):
        row = [[_title(name), *_wrap(name, _box_width(layer))] for name in layer]
        height = LINE * max(len(lines) for lines in row) + 2 * PADDING
        if i:
            parts.append(f'<path d="M{WIDTH // 2} {top - GAP}v{GAP}"/>')
        parts += _draw_row(row, top, height)
        top += height + GAP
    height = top - GAP + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(_describe(layers))}</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" '
        'style="fill:#5b7fb4;stroke:none;marker-end:none"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" style="fill:white;stroke:none"/>',
    )
    return "\n".join([*head, *parts, "</svg>", ""])


def _describe(layers: list[list[str]]) -> str:
    names = "; ".join(", ".join(_title(name) for name in row) for row in layers)
    return f"Layers of reslab, each importing only from those after it: {names}"


def _title(name: str) -> str:
    return name.removeprefix("reslab.")


def _box_width(row: Sequence[object]) -> float:
    return (WIDTH - 2 * MARGIN - GAP * (len(row) - 1)) / len(row)


def _wrap(name: str, width: float) -> list[str]:
    return textwrap.wrap(describe_package(name), int((width - 2 * PADDING) / LETTER))


def _draw_row(row: list[list[str]], top: int, height: int) -> list[str]:
    width = _box_width(row)
    parts = []
    for i, lines in enumerate(row):
        left = MARGIN + i * (width + GAP)
        first = top + (height - LINE * len(lines)) / 2 + 13
        parts.append(f'<rect x="{left:g}" y="{top}" width="{width:g}" height="{height}" rx="6"/>')
        parts += [
            f'<text class="{"what" if j else "name"}" x="{left + width / 2:g}" '
            f'y="{first + LINE * j:g}" text-anchor="middle">{escape(line)}</text>'
            for j, line in enumerate(lines)
        ]
    return parts


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(read_layers()))
