"""Shards at a URL: fetched once each by WebDataset's own opener, whole or not at all."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reslab.data.sources.opening import Opening, open_images
from reslab.data.sources.shard_fetching import fetch_shards
from reslab.errors import ConfigError, DataError
from tests.data.sources.tars import list_samples, write_tar


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, and notes what it was asked for."""

    asked: list[str] = []  # noqa: RUF012 - each test's subclass has its own
    stalled = threading.Event()

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if "stall" in self.path or "short" in self.path:
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"\0" * 512)
            self.wfile.flush()
            if "stall" in self.path:
                self.stalled.wait(30)
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def server(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip("webdataset")
    if shutil.which("curl") is None:
        pytest.skip("WebDataset's opener fetches with curl, which is not here")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    members = list_samples(photos, 20)
    for number in (0, 1):
        write_tar(folder / f"train-{number}.tar", members[20 * number : 20 * number + 20])
    Handler.asked.clear()
    Handler.stalled.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        Handler.stalled.set()
        http.shutdown()
        thread.join()


def test_shards_are_fetched_once(server: str, tmp_path: Path, photos: Path) -> None:
    opening = Opening(cache=tmp_path / "cache")
    spec = f"{server}/train-{{0..1}}.tar"
    first = open_images(spec, opening)
    assert sum(len(images) for images in first.parts.values()) == 20
    assert sorted(Handler.asked) == ["/train-0.tar", "/train-1.tar"]
    assert open_images(spec, opening).digest() == first.digest()
    assert len(Handler.asked) == 2
    wanted = {path.read_bytes() for path in sorted(photos.rglob("*.jpg"))[:20]}
    images = first.parts["train"]
    assert all(images.store.read(index) in wanted for index in range(len(images)))


def test_what_is_not_there_leaves_no_file(server: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot fetch .*/train-7\.tar.*Check the URL"):
        fetch_shards(f"{server}/train-7.tar", tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_connection_that_stalls_is_given_up(server: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing came for 1 s"):
        fetch_shards(f"{server}/stall.tar", tmp_path / "cache", patience_seconds=1.0)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "spec",
    ["pipe:touch out.tar", "file:///x.tar", "s3://x/y.tar", "http://x/$(touch out).tar ",
     "http://x/'; touch out;'.tar", "http://x/\x1b[2J.tar"],
)  # fmt: skip
def test_commands_and_unknown_schemes_are_refused(tmp_path: Path, spec: str) -> None:
    with pytest.raises(ConfigError, match="is not fetched: give a URL of http") as raised:
        open_images(spec, Opening(cache=tmp_path))
    assert "\x1b" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_url_without_a_cache_is_refused() -> None:
    with pytest.raises(ConfigError, match="--cache DIR"):
        open_images("https://example.org/a.tar")
