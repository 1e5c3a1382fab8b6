"""Links of Markdown files that are read in the repository as well as on the site.

In the repository `[how fast](../benchmarks/README.md)` leads to a file. On the site it leads to the
page that includes the file, if there is one; otherwise it becomes the name of the file.
"""

import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
REPOSITORY = DOCS.parent
# Files outside docs/ that are pages of the site.
INCLUDED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "evidence/speed.md",
    "results/README.md": "evidence/results.md",
}
PAGES = {page: name for name, page in INCLUDED.items() if name != "README.md"}
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def rewrite_links(text: str, source: Path, page: Path) -> str:
    """Make the relative links of a Markdown text lead somewhere on the site.

    Args:
        text: of the file.
        source: the file that has the text.
        page: the page in docs/ that shows it.
    """

    def rewrite(link: re.Match[str]) -> str:
        target, anchor = link["target"], link["anchor"] or ""
        if re.match(r"[a-z]+:", target):
            return link[0]
        path = Path(os.path.normpath(source.parent / target))
        inside = str(path.relative_to(REPOSITORY))
        if link["image"] or inside in INCLUDED or path.is_relative_to(DOCS):
            path = DOCS / INCLUDED[inside] if inside in INCLUDED else path
            return f"{link['image']}[{link['text']}]({os.path.relpath(path, page.parent)}{anchor})"
        return link["text"] if inside in link["text"] else f"{link['text']} (`{inside}`)"

    return LINK.sub(rewrite, text)


def _read_page(app: Sphinx, docname: str, content: list[str]) -> None:
    page = DOCS / f"{docname}.md"
    included = PAGES.get(f"{docname}.md")
    if included is None:
        content[0] = rewrite_links(content[0], page, page)
        return
    source = REPOSITORY / included
    app.env.note_dependency(str(source), docname=docname)
    content[0] = rewrite_links(source.read_text(), source, page)


def setup(app: Sphinx) -> dict[str, Any]:
    """Rewrite each page as it is read."""
    app.connect("source-read", _read_page)
    return {"parallel_read_safe": True}
