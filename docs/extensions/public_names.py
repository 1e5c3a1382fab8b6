"""Directive `public-names`: the public interface, package by package, from its docstrings."""

import inspect
import re
from collections import defaultdict
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import reslab

CODE = re.compile(r"(?<![`:\w])`([^`]+)`(?!`)(\w?)")
# The order in which one meets them.
PACKAGES = ("networks", "data", "training", "studies", "analysis")


class PublicNames(SphinxDirective):
    """`public-names`: every name of `reslab.__all__`, under the package it comes from."""

    def run(self) -> list[nodes.Node]:
        """Write Markdown with directives of autodoc, and have it parsed."""
        groups: dict[str, list[str]] = defaultdict(list)
        for name in reslab.__all__:
            groups[getattr(reslab, name).__module__.split(".")[1]].append(name)
        order = [*PACKAGES, *sorted(set(groups) - {*PACKAGES, "errors"})]
        parts = [_write_group(package, groups[package]) for package in order if package in groups]
        return self.parse_text_to_nodes("\n".join(parts), allow_section_headings=True)


def _write_group(package: str, names: list[str]) -> str:
    lines = [f"## From reslab.{package}", "", "```{eval-rst}"]
    for name in names:
        if inspect.isclass(getattr(reslab, name)):
            lines += [f".. autoclass:: reslab.{name}", "   :members:", "   :show-inheritance:", ""]
        else:
            lines += [f".. autofunction:: reslab.{name}", ""]
    return "\n".join([*lines, "```", ""])


def _mark_code(_app: Sphinx, *described: Any) -> None:
    """Docstrings mark code as Markdown does, by single backticks; reStructuredText wants two."""
    lines: list[str] = described[-1]
    # A letter right behind the code, as a plural's, has to be set off by an escaped space.
    text = CODE.sub(lambda m: f"``{m[1]}``" + (rf"\ {m[2]}" if m[2] else ""), "\n".join(lines))
    lines[:] = text.split("\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known."""
    app.add_directive("public-names", PublicNames)
    # Before napoleon, which takes a colon inside single backticks for the end of a type.
    app.connect("autodoc-process-docstring", _mark_code, priority=400)
    return {"parallel_read_safe": True}
