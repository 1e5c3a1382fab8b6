"""Every block of code and every command of the documentation does what its page says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reslab.cli.main import parse
from tests.docs.markdown_blocks import (
    PARSED_ONLY,
    REPOSITORY,
    list_pages,
    read_blocks,
    read_inline_commands,
)
from tests.docs.run_pages import PageFailure, PageRunner, check_output

PAGES = [page for page in list_pages() if read_blocks(page)]
LANGUAGES = {"sh", "console", "python", "text", "toml", "json", "csv", "yaml"}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> dict[str, list[str]]:
    out = tmp_path_factory.mktemp("pages")
    environment = {**os.environ, "RESLAB_SHARED": str(shared), "PYTHONPATH": _path_to_reslab()}
    command = [sys.executable, "-m", "tests.docs.run_pages", str(out), *map(str, PAGES)]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
    found: dict[str, list[str]] = json.loads((out / "outcomes.json").read_text())
    return found


def _path_to_reslab() -> str:
    return os.pathsep.join([str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_the_code_of_a_page_does_what_it_says(page: Path, outcomes: dict[str, list[str]]) -> None:
    assert outcomes[str(page.relative_to(REPOSITORY))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_a_block_has_a_language_and_a_reason_where_it_is_not_run(page: Path) -> None:
    for block in read_blocks(page):
        named = block.language in LANGUAGES or page.name in PARSED_ONLY
        assert named, f"line {block.line}: name the language"
        assert block.mark in ("", "smoke", "not run", "exit", "file", "output")
        assert block.value or block.mark in ("", "output"), f"line {block.line}: say why"


@pytest.mark.parametrize("page", list_pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_a_command_in_the_text_names_verbs_and_options_that_exist(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in read_inline_commands(page):
        verb, *words = command.split()[1:]
        if verb.isupper() or verb.startswith("-") or verb == "…":
            continue
        known = _find_options(verb, capsys)
        assert known, f"{command}: there is no verb {verb}"
        known |= _find_options(f"{verb} {(words or [''])[0]}", capsys)
        assert {word for word in words if word.startswith("--")} <= known, command


def _find_options(verb: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """The options in the help of a verb, `data pack` for one; empty if there is no such verb."""
    with pytest.raises(SystemExit):
        parse([*verb.split(), "--help"])
    return set(re.findall(r"--[a-z0-9-]+", capsys.readouterr().out))


def test_a_wrong_promise_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nprint(1)\nprint(2)\n```\n\n<!-- output -->\n```text\n1\n3\n```\n\n"
        "<!-- not run: long -->\n```sh\nreslab train --no-such-option\n```\n"
    )
    python, promise, command = read_blocks(page)
    runner = PageRunner(None)
    runner.run(python)
    with pytest.raises(PageFailure, match="promises the line\n3"):
        runner.run(promise)
    with pytest.raises(PageFailure, match="is not understood"):
        runner.run(command)


def test_dots_stand_for_any_lines() -> None:
    check_output("a\n…\nd\n", "a\nb\nc\nd\n")
    check_output("…\nd\n", "a\nd\n")
    check_output("a\n…\n", "a\nb\n")
    with pytest.raises(PageFailure, match="not on the page"):
        check_output("a\n", "a\nb\n")
    with pytest.raises(PageFailure, match="promises"):
        check_output("…\nx\n", "a\nb\n")
