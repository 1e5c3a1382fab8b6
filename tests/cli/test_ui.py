"""`reslab ui`: where it listens, and who needs a token."""

import socket
from pathlib import Path

import pytest

from reslab.cli.ui import TOKEN_VARIABLE, Ui
from reslab.errors import ConfigError
from reslab.web.serve import serve
from reslab.web.settings import UiSettings, is_loopback


def settings(**options: object) -> UiSettings:
    return Ui(**options)._settings()  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.3.2.1"])
def test_loopback_needs_no_token(host: str) -> None:
    assert settings(host=host).token is None
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "lab.example"])  # noqa: S104
def test_others_always_need_one(host: str) -> None:
    one, other = settings(host=host).token, settings(host=host).token
    assert one is not None
    assert other is not None
    assert one != other
    assert len(one) >= 32


def test_token_can_be_asked_for_and_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(token=True).token
    monkeypatch.setenv(TOKEN_VARIABLE, "0123456789abcdefX")
    assert settings(host="0.0.0.0").token == "0123456789abcdefX"  # noqa: S104, S105
    for weak in ("short", "has space in it and more"):
        monkeypatch.setenv(TOKEN_VARIABLE, weak)
        with pytest.raises(ConfigError, match=TOKEN_VARIABLE):
            settings(token=True)


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a folder"):
        serve(UiSettings(folder=tmp_path / "nothing"))


def test_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="--port"):
            serve(UiSettings(folder=tmp_path, port=taken.getsockname()[1]))


def test_warning_is_given_where_others_can_reach_it(capsys: pytest.CaptureFixture[str]) -> None:
    Ui(host="0.0.0.0")._tell("http://0.0.0.0:8050/?token=x")  # noqa: S104
    captured = capsys.readouterr()
    assert "token=x" in captured.out
    assert "not encrypted" in captured.err
