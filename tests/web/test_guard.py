"""Who may ask: other sites, other names and those without the token may not."""

import re
from pathlib import Path

import pytest
from werkzeug.test import Client, TestResponse

from reslab.web.app import build_app
from reslab.web.settings import UiSettings

OWN = "127.0.0.1:8050"
TOKEN = "aSecretThatNobodyGuesses"  # noqa: S105


def client(folder: Path, **settings: object) -> Client:
    app = build_app(UiSettings(folder=folder, **settings))  # type: ignore[arg-type]
    return Client(app.server)


def ask(one: Client, path: str = "/", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return one.get(path, headers={"Host": OWN, **named})


@pytest.mark.parametrize("host", [OWN, "localhost:8050", "localhost", "[::1]:8050", "127.0.0.1:9"])
def test_loopback_answers_under_its_own_names(tmp_path: Path, host: str) -> None:
    assert ask(client(tmp_path), Host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8050", "192.168.1.5:8050", "127.0.0.1.evil.example", "", "[::1"],
)
def test_loopback_refuses_names_that_could_be_rebound(tmp_path: Path, host: str) -> None:
    assert ask(client(tmp_path), Host=host).status_code == 421


def test_name_can_be_allowed(tmp_path: Path) -> None:
    assert ask(client(tmp_path, names=("Lab.Example",)), Host="lab.example:8050").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"},
    ],
)
def test_other_sites_may_not_call(tmp_path: Path, headers: dict[str, str]) -> None:
    one = client(tmp_path)
    assert ask(one, "/_dash-layout", **headers).status_code == 403
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    posted = one.post("/_dash-update-component", json={}, headers={"Host": OWN, **sent})
    assert posted.status_code == 403


def test_link_from_elsewhere_opens_the_page_but_sends_nothing(tmp_path: Path) -> None:
    one, link = client(tmp_path), {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert ask(one, **link).status_code == 200
    sent = {name.replace("_", "-"): value for name, value in link.items()}
    posted = one.post("/_dash-update-component", json={}, headers={"Host": OWN, **sent})
    assert posted.status_code == 403


def test_every_answer_keeps_everything_else_out(tmp_path: Path) -> None:
    one = client(tmp_path)
    for response in (ask(one), ask(one, Host="evil.example"), ask(one, "/assets/nothing.js")):
        policy = response.headers["Content-Security-Policy"]
        scripts = re.search(r"script-src ([^;]*)", policy)
        assert scripts is not None
        assert "unsafe" not in scripts[1]
        assert "*" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in response.headers


def test_inline_script_of_the_page_is_the_one_allowed(tmp_path: Path) -> None:
    response = ask(client(tmp_path))
    assert response.headers["Content-Security-Policy"].count("'sha256-") == response.text.count(
        '<script id="_dash-renderer"'
    )


def test_token_is_asked_for_and_leaves_the_address(tmp_path: Path) -> None:
    one = client(tmp_path, host="0.0.0.0", token=TOKEN)  # noqa: S104
    assert ask(one).status_code == 401
    assert ask(one, f"/?token={TOKEN}x").status_code == 401
    assert ask(one, "/assets/style.css").status_code == 401
    opened = ask(one, f"/studies?token={TOKEN}&a=b")
    assert (opened.status_code, opened.headers["Location"]) == (302, "/studies?a=b")
    cookie = opened.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert ask(one).status_code == 200


def test_token_in_a_header_opens_too(tmp_path: Path) -> None:
    one = client(tmp_path, token=TOKEN)
    assert ask(one, Authorization=f"Bearer {TOKEN}").status_code == 200
    assert ask(one, Authorization="Bearer").status_code == 401


def test_redirection_stays_here(tmp_path: Path) -> None:
    opened = ask(client(tmp_path, token=TOKEN), f"//evil.example/?token={TOKEN}")
    assert opened.headers["Location"].startswith("/")
    assert not opened.headers["Location"].startswith("//")


def test_open_address_takes_addresses_but_no_unknown_names(tmp_path: Path) -> None:
    one = client(tmp_path, host="0.0.0.0", token=TOKEN)  # noqa: S104
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert ask(one, Host="192.168.1.5:8050", **bearer).status_code == 200
    assert ask(one, Host="evil.example:8050", **bearer).status_code == 421


def test_body_is_limited(tmp_path: Path) -> None:
    huge = b"{" + b" " * (49 * 2**20)
    sent = client(tmp_path).post(
        "/_dash-update-component",
        data=huge,
        headers={"Host": OWN, "Content-Type": "application/json"},
    )
    assert sent.status_code == 413
