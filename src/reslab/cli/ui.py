"""`reslab ui`: the local page."""

import os
import secrets
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from reslab.cli.options import Flag, Texts
from reslab.cli.output import print_json, print_line, print_message
from reslab.errors import ConfigError

if TYPE_CHECKING:
    from reslab.web.settings import UiSettings

TOKEN_VARIABLE = "RESLAB_UI_TOKEN"  # noqa: S105 - a name, not a token
MIN_TOKEN_LENGTH = 16


@dataclass(frozen=True, kw_only=True)
class Ui:
    """Open a page over a folder: its runs as they train, its studies, networks, your images.

    Only this machine reaches it, unless `--host` says otherwise; a token is then asked for. What it
    starts goes on when it is closed.
    Examples: `reslab ui`, `reslab ui out --port 9000`, and from elsewhere
    `ssh -L 8050:localhost:8050 MACHINE reslab ui out`.
    """

    folder: Positional[Path] = Path("out")
    """Runs, studies and weights are looked for in it, and nowhere else."""
    data_root: Path | None = None
    """Folder of CIFAR's official binary files, for studies and responses on CIFAR."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for every one of this machine."""
    port: int = 8050
    """Port to listen on; 0 takes a free one."""
    names: Texts = ()
    """Names of this machine under which browsers may ask for the page, beside its addresses."""
    token: Flag = False
    """Ask for a token on loopback too. It is drawn anew each time, or taken from the environment
    variable RESLAB_UI_TOKEN."""
    open: Flag = False
    """Open the page in the browser."""
    json: Flag = False
    """Print the address as one JSON object."""

    def run(self) -> int:
        """Serve until interrupted."""
        try:
            from reslab.web.serve import serve  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("reslab"):
                raise
            raise ConfigError(
                f"the page needs {error.name}: install it with `pip install 'reslab[ui]'`"
            ) from error
        serve(self._settings(), self._tell)
        return 0

    def _settings(self) -> "UiSettings":
        from reslab.web.settings import UiSettings, is_loopback  # noqa: PLC0415

        needs_token = self.token or not is_loopback(self.host)
        return UiSettings(
            folder=self.folder,
            data_root=self.data_root,
            host=self.host,
            port=self.port,
            names=self.names,
            token=_choose_token() if needs_token else None,
        )

    def _tell(self, address: str) -> None:
        if self.json:
            print_json({"address": address, "folder": str(self.folder)})
        else:
            print_line(f"{self.folder} is shown on {address}  (Ctrl-C ends it)")
        if not self._settings().is_loopback:
            print_message(
                "reslab: others can reach this page; what they send is not encrypted, so use it in "
                "networks you trust, or on loopback through `ssh -L`"
            )
        if self.open:
            webbrowser.open(address)


def _choose_token() -> str:
    given = os.environ.get(TOKEN_VARIABLE)
    if given is None:
        return secrets.token_urlsafe(32)
    if len(given) < MIN_TOKEN_LENGTH or not given.isascii() or not given.isalnum():
        raise ConfigError(
            f"{TOKEN_VARIABLE} must be at least {MIN_TOKEN_LENGTH} letters and digits, or unset"
        )
    return given
