"""The page in a real browser: opened, read, touched, and left without a complaint."""

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, ViewportSize

from reslab.data.load import load_dataset
from reslab.networks.weights import load
from reslab.runs.directory import RunDirectory
from reslab.runs.metrics import read_last_step
from tests.web.conftest import Visit

PATHS = ("/", "/studies", "/network", "/classify")
PHONE: ViewportSize = {"width": 390, "height": 844}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MAX_SHIFT = 0.01
"""A tenth of what is commonly called good."""


def find_barriers(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found]


def points(page: Page, figure: str) -> int:
    """How many points the lines of a figure have."""
    graph = f'[id=\'{{"figure":"{figure}","part":"graph"}}\'] .js-plotly-plot'
    count = page.evaluate(
        "(css) => { const graph = document.querySelector(css);"
        "return graph ? graph.data.reduce((sum, one) => sum + one.x.length, 0) : 0 }",
        graph,
    )
    return int(count)


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def tick(page: Page, run: str) -> None:
    page.locator(f'.ag-row[row-id="{run}"] .ag-selection-checkbox input').click()


def state(page: Page, run: str) -> str:
    return page.locator(f'.ag-row[row-id="{run}"] [col-id="state"]').inner_text()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("look", ["desktop, light", "phone, dark"])
def test_page_opens_without_barriers(visit: Visit, path: str, look: str) -> None:
    if look == "phone, dark":
        visit.page.set_viewport_size(PHONE)
        visit.page.emulate_media(color_scheme="dark")
    page = visit.go(path)
    page.wait_for_timeout(300)
    assert find_barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("window.shifted") <= MAX_SHIFT


def test_curves_grow_and_the_run_is_stopped_and_resumed(visit: Visit, long_run: Path) -> None:
    page = visit.go("/")
    tick(page, "runs/long")
    wait_for(lambda: points(page, "curves") > 0)
    before = points(page, "curves")
    wait_for(lambda: points(page, "curves") > before)
    page.get_by_role("button", name="Stop").click()
    wait_for(lambda: "stopped" in state(page, "runs/long"))
    run = RunDirectory(long_run)
    assert not run.is_being_written()
    assert run.read_result() is None
    reached = read_last_step(run.metrics_path)
    page.get_by_role("button", name="Resume").click()
    wait_for(lambda: read_last_step(run.metrics_path) > reached)
    wait_for(lambda: "running" in state(page, "runs/long"))
    page.get_by_role("button", name="Stop").click()
    wait_for(lambda: not run.is_being_written())


def test_runs_are_compared(visit: Visit) -> None:
    page = visit.go("/")
    for seed in (0, 1):
        tick(page, f"runs/short-{seed}")
    table = page.locator("#differences table")
    table.wait_for()
    assert table.locator("tbody tr").all_inner_texts() == ["seed\t0\t1"]
    separate = points(page, "curves")
    page.get_by_role("button", name="Seeds as band").click()
    wait_for(lambda: points(page, "curves") != separate)
    page.get_by_role("searchbox").fill("degradation")
    wait_for(lambda: page.locator('.ag-row[row-id="runs/short-0"]').count() == 0)
    assert page.locator(".ag-center-cols-container .ag-row").count() == 4


def test_figure_is_saved_as_picture_drawing_and_data(visit: Visit) -> None:
    page = visit.go("/")
    tick(page, "runs/short-0")
    wait_for(lambda: points(page, "curves") > 0)
    contents = {}
    for label, name in (("PNG", "curves.png"), ("SVG", "curves.svg"), ("data", "curves.csv")):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"as {label}").click()
        assert download.value.suggested_filename == name
        contents[label] = download.value.path().read_bytes()
    assert contents["PNG"].startswith(b"\x89PNG")
    assert contents["SVG"].startswith(b"<svg")
    assert contents["data"].count(b"\n") == 1 + points(page, "curves")


def test_theme_is_remembered_and_the_keyboard_reaches_everything(visit: Visit) -> None:
    page = visit.go("/")
    page.get_by_role("button", name="Loss").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("button[aria-pressed=true] >> text=Loss")
    assert page.get_by_role("button", name="Error").get_attribute("aria-pressed") == "false"
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.get_by_role("button", name="Theme: auto").click()
    page.get_by_role("button", name="Theme: light").click()
    page.get_by_role("button", name="Theme: dark").wait_for()
    dark = page.evaluate(colour)
    assert dark != light
    page.reload()
    page.get_by_role("button", name="Theme: dark").wait_for()
    assert page.evaluate(colour) == dark
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_networks_stand_side_by_side(visit: Visit, folder: Path) -> None:
    page = visit.go("/network")
    page.get_by_label("Beside it").fill("plain20")
    page.get_by_label("Beside it").press("Enter")
    page.get_by_role("heading", name="plain20").wait_for()
    page.get_by_label("Network or weights file").fill("runs/short-0/weights.safetensors")
    page.get_by_label("Network or weights file").press("Enter")
    wait_for(lambda: points(page, "responses") > 0)
    network = load(folder / "runs" / "short-0" / "weights.safetensors").network
    # Every 3×3 layer of the net on digits, but not those of the name beside it.
    assert points(page, "responses") == 1 + 2 * sum(network.config.blocks_per_stage)
    assert page.get_by_role("heading", name="resnet8").count() == 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Diagram of plain20 as SVG").click()
    assert b"plain20" in download.value.path().read_bytes()


def test_mistake_is_answered_in_words(visit: Visit, folder: Path) -> None:
    page = visit.go("/network")
    for name in ("resnet21", "../../etc/x.safetensors", "resnet600002"):
        page.get_by_label("Beside it").fill(name)
        page.get_by_label("Beside it").press("Enter")
        page.locator("#notice").get_by_text(name).wait_for()
        assert str(folder) not in page.locator("#notice").inner_text()


def test_image_is_classified_as_the_network_does(visit: Visit, folder: Path) -> None:
    weights = "runs/short-1/weights.safetensors"
    images = load_dataset("digits").test.images[:2]
    files = []
    for i, image in enumerate(images):
        content = io.BytesIO()
        Image.fromarray(image[0].numpy().astype(np.uint8)).save(content, format="PNG")
        files.append({"name": f"{i}.png", "mimeType": "image/png", "buffer": content.getvalue()})
    classifier = load(folder / weights)
    expected = [classifier.class_names[i] for i in classifier(images).argmax(1)]
    page = visit.go("/classify")
    page.get_by_label("Trained weights").fill(weights)
    page.get_by_label("Trained weights").press("Enter")
    page.locator("#upload input").set_input_files(files)  # type: ignore[arg-type]
    wait_for(lambda: page.locator(".answer").count() == 2)
    answers = page.locator(".answer").all_inner_texts()
    assert [answer.split(",")[0] for answer in answers] == expected
    wait_for(lambda: points(page, "image-0-0-classes") == 5)
    assert page.get_by_text("ms for the answer").count() == 2
    page.get_by_label("Beside them").fill("runs/short-0/weights.safetensors")
    page.get_by_label("Beside them").press("Enter")
    wait_for(lambda: page.locator(".answer").count() == 4)
    assert find_barriers(page) == []


def test_image_is_pasted_and_too_many_stay_in_the_browser(visit: Visit) -> None:
    page = visit.go("/classify")
    one = {"name": "a.png", "mimeType": "image/png", "buffer": b"x"}
    page.locator("#upload input").set_input_files([one] * 9)  # type: ignore[arg-type]
    page.get_by_text("Too many images").wait_for()
    assert page.locator("#answers section").count() == 0
    page.evaluate(
        """async () => {
          const canvas = document.createElement("canvas");
          canvas.width = canvas.height = 8;
          canvas.getContext("2d").fillRect(2, 2, 3, 3);
          const blob = await new Promise((done) => canvas.toBlob(done));
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([blob], "pasted.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }"""
    )
    page.get_by_role("heading", name="pasted.png").wait_for()


def test_study_shows_what_was_found(visit: Visit) -> None:
    page = visit.go("/studies")
    page.get_by_role("button", name="degradation-tiny").wait_for()
    verdicts = page.locator(".verdict").all_inner_texts()
    assert verdicts == ["not tested at this budget"] * 2
    assert page.get_by_role("region", name="Beside the published numbers").is_visible()
    wait_for(lambda: points(page, "figure-6-plain-and-residual-1") > 0)


def test_study_is_started_watched_and_stopped(visit: Visit, folder: Path) -> None:
    page = visit.go("/studies")
    page.get_by_role("button", name="quick").click()
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Stop").wait_for()
    assert page.get_by_text("degradation-digits-quick").is_visible()
    wait_for((folder / "degradation-digits-quick" / "page.log").exists)
    wait_for(lambda: len(list((folder / "runs").glob("*-seed0-*"))) > 0)
    page.get_by_role("button", name="Stop").click()
    page.locator("#news").get_by_text("stopped").wait_for()
