"""Who may ask: checked on every request before anything else sees it.

A page of another site can make a browser send requests here, and a name that resolves to this
machine makes them look like our own (DNS rebinding). So the `Host` must be an address or a known
name, an `Origin` must be the page's own, and where others than this machine can reach the page, a
token must be known.
"""

import hmac
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask, Request, Response, redirect, request

from reslab.web.settings import LOOPBACK_NAME, UiSettings, is_loopback, parse_address

MAX_BODY_BYTES = 48 * 2**20
TOKEN_KEY = "token"  # noqa: S105 - the name of the parameter, not a token

FOREIGN_HOST = (
    "This page is not served under that name: open it by the address that `reslab ui` printed, or "
    "allow the name with --name."
)
FOREIGN_SITE = "Another site's page may not call this one."
ASKS_FIRST = (
    "This page asks for the token that `reslab ui` printed: open the whole address, with "
    "?token= and what follows it."
)


def install_guard(server: Flask, settings: UiSettings, script_hashes: Callable[[], str]) -> None:
    """Check every request and harden every response.

    Args:
        server: to protect.
        settings: who may ask.
        script_hashes: the inline scripts that the page itself has, for its content policy.
    """
    server.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    @server.before_request
    def check() -> Response | None:
        if not _is_known_host(request, settings):
            return _refuse(FOREIGN_HOST, 421)
        if _is_foreign(request):
            return _refuse(FOREIGN_SITE, 403)
        return None if settings.token is None else _check_token(settings.token, settings)

    @server.after_request
    def harden(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers[name] = value
        response.headers["Content-Security-Policy"] = _policy(script_hashes())
        return response


_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def _policy(script_hashes: str) -> str:
    """Nothing from elsewhere, and no scripts but the page's own."""
    return (
        f"default-src 'self'; script-src 'self' {script_hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _refuse(reason: str, status: int) -> Response:
    return Response(reason + "\n", status, mimetype="text/plain")


def _is_known_host(asked: Request, settings: UiSettings) -> bool:
    try:
        name = urlsplit(f"//{asked.headers.get('Host', '')}").hostname or ""
    except ValueError:
        return False
    if name in (LOOPBACK_NAME, *map(str.lower, settings.names)):
        return True
    # An address cannot be rebound; only one of this machine reaches a page on loopback.
    return is_loopback(name) or (not settings.is_loopback and parse_address(name) is not None)


def _is_foreign(asked: Request) -> bool:
    origin = asked.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != asked.headers.get("Host"):
        return True
    site = asked.headers.get("Sec-Fetch-Site", "none")
    follows_link = asked.method == "GET" and asked.headers.get("Sec-Fetch-Mode") == "navigate"
    return site not in ("none", "same-origin") and not follows_link


def _check_token(token: str, settings: UiSettings) -> Response | None:
    cookie = f"reslab-{settings.port}"
    given = request.args.get(TOKEN_KEY)
    if given is not None and _equal(given, token):
        # Out of the address bar and the history, into a cookie that no script reads.
        response = redirect(_without_token(request.full_path))
        response.set_cookie(cookie, token, httponly=True, samesite="Strict")
        return response  # type: ignore[return-value]
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if _equal(request.cookies.get(cookie, ""), token) or _equal(bearer, token):
        return None
    return _refuse(ASKS_FIRST, 401)


def _equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _without_token(address: str) -> str:
    parts = urlsplit(address)
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key != TOKEN_KEY]
    # One slash only: two would name another host.
    return f"/{parts.path.lstrip('/')}" + (f"?{urlencode(kept)}" if kept else "")
