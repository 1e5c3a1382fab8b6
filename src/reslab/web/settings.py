"""What the page is served from, where, and to whom."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

LOOPBACK_NAME = "localhost"


@dataclass(frozen=True, kw_only=True)
class UiSettings:
    """Everything that `reslab ui` decides before the page is built."""

    folder: Path
    """Runs, studies and weights are looked for in it and nowhere else."""
    data_root: Path | None = None
    """Folder of CIFAR's official binary files, for studies and responses on them."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8050
    """0 takes a free one."""
    token: str | None = None
    """What a browser must know; None asks for nothing."""
    names: tuple[str, ...] = ()
    """Names, beside addresses and `localhost`, under which browsers may ask for the page."""
    refresh_seconds: float = 2.0
    """How often the page asks what is new."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches the page."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine alone."""
    if host == LOOPBACK_NAME:
        return True
    address = parse_address(host)
    return address is not None and address.is_loopback


def parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text is; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
