"""The site: links lead somewhere, nothing comes from another host, nothing is left out."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import reslab
from tests.docs.markdown_blocks import DOCS

LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "object": "data"}


class PageReader(HTMLParser):
    """Collects what a page links to, what it loads, and the anchors it has."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value for key, value in attrs if value is not None}
        self.anchors |= {values[key] for key in ("id", "name") if key in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADING and LOADING[tag] in values:
            self.loaded.append(values[LOADING[tag]])


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, PageReader]:
    found = {}
    for file in sorted(site.rglob("*.html")):
        if "_static" not in file.parts:
            found[file] = PageReader()
            found[file].feed(file.read_text())
    return found


def test_every_link_inside_the_site_leads_somewhere(pages: dict[Path, PageReader]) -> None:
    broken = [
        f"{page.name}: {link}"
        for page, reader in pages.items()
        for link in [*reader.links, *reader.loaded]
        if not _leads_somewhere(page, link, pages)
    ]
    assert broken == []
    assert sum(len(reader.links) for reader in pages.values()) > 500


def _leads_somewhere(page: Path, link: str, pages: dict[Path, PageReader]) -> bool:
    parts = urlsplit(link)
    if parts.scheme:
        return True
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return False
    return not parts.fragment or target not in pages or parts.fragment in pages[target].anchors


def test_a_broken_link_would_be_found(pages: dict[Path, PageReader]) -> None:
    page = next(file for file in pages if file.name == "architecture.html")
    assert _leads_somewhere(page, "index.html", pages)
    assert not _leads_somewhere(page, "nowhere.html", pages)
    assert not _leads_somewhere(page, "#nowhere", pages)


def test_pages_load_nothing_from_another_host(site: Path, pages: dict[Path, PageReader]) -> None:
    loaded = [url for reader in pages.values() for url in reader.loaded if urlsplit(url).netloc]
    assert loaded == []
    styles = [file.read_text() for file in site.rglob("*.css")]
    assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", "\n".join(styles))


def test_the_reference_has_every_option_of_every_verb(site: Path) -> None:
    text = _text_of(site / "reference" / "command-line.html")
    sections = dict(_split_sections(text))
    assert set(sections) >= {"train", "study", "diagnose", "export"}
    for verb, section in sections.items():
        command = [sys.executable, "-m", "reslab", *verb.split(), "--help"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"^│ (?:-h, )?(--[a-z0-9-]+)", printed, flags=re.MULTILINE))
        assert options - {"--help"} == set(re.findall(r"^(--[a-z0-9-]+)", section, re.MULTILINE))


def _split_sections(text: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^reslab ([a-z -]+)¶$", text, flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def test_the_reference_has_every_public_name(pages: dict[Path, PageReader]) -> None:
    (reader,) = (reader for page, reader in pages.items() if page.name == "python.html")
    anchors = {anchor.rpartition(".")[2] for anchor in reader.anchors}
    assert set(reslab.__all__) <= anchors


def test_every_page_of_the_documentation_is_on_the_site(site: Path) -> None:
    for page in DOCS.rglob("*.md"):
        assert (site / page.relative_to(DOCS).with_suffix(".html")).is_file()


def _text_of(file: Path) -> str:
    class Reader(HTMLParser):
        text = ""

        def handle_data(self, data: str) -> None:
            self.text += data

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag in ("dt", "dd", "h2", "p", "div"):
                self.text += "\n"

    reader = Reader()
    reader.feed(file.read_text())
    return reader.text
