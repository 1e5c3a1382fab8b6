"""Serving the page."""

import logging
import socket
from collections.abc import Callable

from waitress import create_server

from reslab.errors import ConfigError
from reslab.web.app import build_app
from reslab.web.guard import MAX_BODY_BYTES
from reslab.web.settings import UiSettings

THREADS = 8


def serve(settings: UiSettings, on_ready: Callable[[str], None] = lambda _address: None) -> None:
    """Serve until interrupted.

    Args:
        settings: what, where and to whom.
        on_ready: called with the address to open, token included, once the page can be opened.

    Raises:
        ConfigError: if the folder is not there or the address cannot be listened on.
    """
    app = build_app(settings)
    # It warns whenever a few questions come at once.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    with _listen(settings.host, settings.port) as listening:
        server = create_server(
            app.server,
            sockets=[listening],
            threads=THREADS,
            max_request_body_size=MAX_BODY_BYTES,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        on_ready(_address(settings, listening.getsockname()[1]))
        server.run()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot serve on {host} port {port}: {reason}. Choose another with --port, or 0 for "
            "any that is free."
        ) from error


def _address(settings: UiSettings, port: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    token = "" if settings.token is None else f"?token={settings.token}"
    return f"http://{host}:{port}/{token}"
