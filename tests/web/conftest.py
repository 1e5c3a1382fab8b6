"""A served page over a folder with runs and a study, and a browser to open it with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from reslab.report.study_page import write_report
from reslab.studies.catalogue import find_study
from reslab.studies.conduct import conduct
from reslab.studies.setting import choose_setting
from reslab.training.loop import train
from tests.web.making import plan

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
]
# Sums up how far things moved that nobody touched.
SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Visit:
    """A page opened in the browser, with all that it complained of."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a path and wait until it is there."""
        self.page.goto(self.address + path)
        self.page.wait_for_selector("h1")
        self.page.wait_for_load_state("networkidle")
        return self.page

    def note(self, message: ConsoleMessage) -> None:
        """Keep what the console says of errors."""
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def watch(self, request: Request) -> None:
        """Keep requests that leave the page's own host."""
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"request to {request.url}")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs, one that was stopped, and a study of its own."""
    folder = tmp_path_factory.mktemp("page")
    for seed in (0, 1):
        train(plan(steps=40, seed=seed), folder / "runs" / f"short-{seed}")
    study = find_study("degradation")
    setting = choose_setting("digits", "smoke", steps=2, seeds=1, depths=(8, 14), width=4)
    place = folder / "degradation-tiny"
    write_report(conduct(study, setting, place), place)
    return folder


@dataclass(frozen=True)
class Server:
    """The page as it is served."""

    address: str
    folder: Path


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[Server]:
    """The command itself, in a process of its own."""
    command = [sys.executable, "-m", "reslab", "ui", str(folder), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"].rstrip("/")
        yield Server(address, folder)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.fixture(scope="session")
def context() -> Iterator[BrowserContext]:
    """Headless Chromium with one cache for all tests, which are skipped where there is none."""
    named = os.environ.get("RESLAB_CHROMIUM")
    path = named or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium: install it, or name it in RESLAB_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        context = browser.new_context()
        context.add_init_script(SHIFTS)
        context.set_default_timeout(60_000)
        yield context
        browser.close()


@pytest.fixture
def visit(context: BrowserContext, server: Server) -> Iterator[Visit]:
    """A window of desktop width; at the end it must not have complained."""
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    visit = Visit(page, server.address)
    page.on("console", visit.note)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("request", visit.watch)
    yield visit
    page.evaluate("localStorage.clear()")
    page.close()
    assert visit.complaints == []


@pytest.fixture
def long_run(server: Server) -> Iterator[Path]:
    """A run that trains while the test looks at it; ended with the test."""
    out = server.folder / "runs" / "long"
    command = [sys.executable, "-m", "reslab", "train", "resnet8", "--width", "4"]
    command += ["--steps", "200000", "--threads", "1", "--device", "cpu", "--compile", "never"]
    with subprocess.Popen(
        [*command, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 60
        while not (out / "metrics.jsonl").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield out
        process.terminate()
        process.wait(60)
    shutil.rmtree(out)
