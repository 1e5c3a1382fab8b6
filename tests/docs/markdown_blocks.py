"""The code of a Markdown page, and what is to be done with it.

A block of `sh` or `python` is run. A comment before it, shown neither in the repository nor on the
site, changes that:

- `<!-- smoke: --steps 3 -->`: the words are added to each line that calls `reslab`;
- `<!-- not run: why -->`: lines that call `reslab` are parsed, Python is compiled;
- `<!-- exit: 2 -->`: the exit code of the block's last line;
- `<!-- file: NAME -->`: the block, in any language, is written to a file;
- `<!-- output -->`: the block is what the one before it prints; `…` stands for any lines.
"""

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
# Pages on machines, folders and services that the tests have not: their commands are parsed.
PARSED_ONLY = {
    "data.md": "needs pictures or a mirror",
    "distributed.md": "needs several GPUs or machines",
    "fine-tuning.md": "needs pictures; examples/fine_tuning.py is run",
    "many-runs.md": "needs a cluster",
    "reliability.md": "needs a machine to break",
    "scaling.md": "needs several machines",
    "ui.md": "serves until it is stopped; tests/web opens the page",
}
FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<comment>[^\n]*?) -->\n+ *)?"
    r"(?P<fence>`{3,})(?P<language>[^\n]*)\n(?P<text>.*?)^ *(?P=fence)$",
    flags=re.DOTALL | re.MULTILINE,
)
INLINE = re.compile(r"(?<!`)`(reslab [^`]+)`(?!`)")


@dataclass(frozen=True, kw_only=True)
class CodeBlock:
    """A fenced block of a page."""

    language: str
    text: str
    mark: str
    """`smoke`, `not run`, `exit`, `file`, `output`, or empty."""
    value: str
    """What stands behind the mark's colon."""
    line: int
    """Where it begins."""


def list_pages() -> list[Path]:
    """Every page of the site, and the pages of the repository that say how to use it."""
    pages = [page for page in DOCS.rglob("*.md") if page.name != "log.md"]
    return [*sorted(pages), REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"]


def read_blocks(page: Path) -> list[CodeBlock]:
    """The fenced blocks of a page in their order, directives of the site left out."""
    text = page.read_text()
    unmarked = f"not run: {PARSED_ONLY[page.name]}" if page.name in PARSED_ONLY else ""
    return [
        _to_block(match, unmarked, line=text.count("\n", 0, match.start()) + 1)
        for match in FENCE.finditer(text)
        if not match["language"].startswith("{")
    ]


def _to_block(match: re.Match[str], unmarked: str, line: int) -> CodeBlock:
    mark, _, value = (match["comment"] or unmarked).partition(":")
    indent = re.compile(f"^{match['indent']}", flags=re.MULTILINE)
    return CodeBlock(
        language=match["language"].strip(),
        text=indent.sub("", match["text"]),
        mark=mark.strip(),
        value=value.strip(),
        line=line,
    )


def read_inline_commands(page: Path) -> list[str]:
    """The calls of `reslab` in the running text of a page."""
    return INLINE.findall(FENCE.sub("", page.read_text()))
