"""Directives `claims` and `result-table`: what results/ holds, so that no page has to repeat it."""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RESULTS = Path(__file__).parents[2] / "results"


class _Stored(SphinxDirective):
    required_arguments = 1
    optional_arguments = 1
    final_argument_whitespace = True

    def read(self) -> dict[str, Any]:
        """The document that the first argument names, such as `paper-digits/depth`."""
        file = RESULTS / f"{self.arguments[0]}.json"
        self.env.note_dependency(str(file))
        document: dict[str, Any] = json.loads(file.read_text())
        return document


class Claims(_Stored):
    """`claims paper-digits/degradation`: each claim of the paper with verdict and evidence.

    A second argument takes those of one study out of a document that holds several.
    """

    def run(self) -> list[nodes.Node]:
        """Write Markdown and have it parsed."""
        document = self.read()
        study = self.arguments[1] if len(self.arguments) > 1 else None
        lines = ["| claim | where | verdict | evidence |", "| --- | --- | --- | --- |"]
        for claim in document["claims"]:
            if study in (None, claim.get("study")):
                cells = (claim["statement"], claim["where"], claim["verdict"], claim["evidence"])
                lines.append(f"| {' | '.join(_escape(cell) for cell in cells)} |")
        return self.parse_text_to_nodes("\n".join(lines))


class ResultTable(_Stored):
    """`result-table paper-digits/degradation Final errors`: a table of a study by its title."""

    def run(self) -> list[nodes.Node]:
        """Write Markdown and have it parsed."""
        tables = {table["title"]: table for table in self.read()["tables"]}
        table = tables[self.arguments[1]]
        lines = [_row(table["columns"]), _row(["---"] * len(table["columns"]))]
        lines += [_row(row) for row in table["rows"]]
        return self.parse_text_to_nodes("\n".join(lines))


def _row(cells: list[Any]) -> str:
    return f"| {' | '.join(_escape('' if cell is None else str(cell)) for cell in cells)} |"


def _escape(text: str) -> str:
    """Keep what Markdown would take for marks of its own."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("[", "\\[").replace("*", "\\*")


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directives known."""
    app.add_directive("claims", Claims)
    app.add_directive("result-table", ResultTable)
    return {"parallel_read_safe": True}
