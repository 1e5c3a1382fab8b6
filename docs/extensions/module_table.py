"""Directive `modules`: every module of the package with the first line of its docstring."""

import ast
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PACKAGE = Path(__file__).parents[2] / "src" / "reslab"


class Modules(SphinxDirective):
    """`modules`: a section and a table for each package, read without importing anything."""

    def run(self) -> list[nodes.Node]:
        """Write Markdown and have it parsed."""
        lines = []
        for package in sorted(PACKAGE.glob("*/__init__.py")):
            lines += [f"## reslab.{package.parent.name}", "", _first_line(package), ""]
            lines += ["| module | what it is |", "| --- | --- |"]
            for file in sorted(package.parent.rglob("*.py")):
                self.env.note_dependency(str(file))
                if file.name != "__init__.py":
                    name = ".".join(file.relative_to(package.parent).with_suffix("").parts)
                    lines.append(f"| `{name}` | {_first_line(file)} |")
            lines.append("")
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def _first_line(file: Path) -> str:
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known."""
    app.add_directive("modules", Modules)
    return {"parallel_read_safe": True}
