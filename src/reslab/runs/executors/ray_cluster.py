"""A Ray cluster to carry out jobs on: one of this machine alone, or one that is there already."""

import math
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

from reslab.errors import RunError

CONNECT_SECONDS = 10.0
CLIENT_SCHEME = "ray://"


def import_ray() -> Any:
    """Ray, without its usage statistics.

    Raises:
        RunError: if it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise RunError(
            "Ray is not installed: `pip install 'reslab[ray]'`, here and on every node"
        ) from error
    return ray


@contextmanager
def connect(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster; the connection, and a cluster of one's own, end with it.

    A program that is connected already keeps its connection.

    Args:
        address: `ray://HOST:PORT` of a cluster's client server. None is the cluster that
            `RAY_ADDRESS` names, which this machine is part of, or a new one of this machine alone
            that nobody else can use.

    Raises:
        RunError: if Ray is not installed, or there is no cluster at the address.
    """
    address = address or os.environ.get("RAY_ADDRESS")
    with own_token() if address is None else nullcontext():
        ray = import_ray()
        if ray.is_initialized():
            yield ray
            return
        if address is not None:
            _check_reachable(address)
        _init(ray, address)
        try:
            yield ray
        finally:
            ray.shutdown()


def _init(ray: Any, address: str | None) -> None:
    alone = {"include_dashboard": False} if address is None else {}
    try:
        ray.init(address=address or "local", logging_level="error", log_to_driver=False, **alone)
    except (RuntimeError, ValueError, ImportError, OSError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise RunError(f"cannot use Ray at {address or 'this machine'}: {reason}") from error


def count_room(ray: Any, cpus: float, gpus: float) -> int:
    """How many jobs of so many CPUs and GPUs the nodes that are alive have room for."""
    return sum(_room_on(node["Resources"], cpus, gpus) for node in ray.nodes() if node.get("Alive"))


def _room_on(resources: dict[str, float], cpus: float, gpus: float) -> int:
    wanted = {"CPU": cpus, "GPU": gpus}
    # A millionth more, as 3 × 0.1 is not 0.3.
    room = [resources.get(k, 0) / count + 1e-6 for k, count in wanted.items() if count > 0]
    return math.floor(min(room, default=0))


def _check_reachable(address: str) -> None:
    """Ask at the door first: Ray itself waits for minutes.

    Raises:
        RunError: if nothing listens there, or the address is none.
    """
    host, _, port = address.removeprefix(CLIENT_SCHEME).partition("/")[0].rpartition(":")
    if not port.isdigit():
        # "auto" and the like; Ray knows them.
        if address.startswith(CLIENT_SCHEME):
            raise RunError(f"{address!r} is no address of a Ray cluster: write ray://HOST:10001")
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise RunError(
            f"no Ray cluster answers at {host}:{port} ({error}): start one there with `ray start "
            "--head --ray-client-server-port 10001`, or leave the address out"
        ) from error


@contextmanager
def own_token() -> Iterator[None]:
    """Ray listens on every interface of the machine: let in nobody who has not this secret."""
    token = _make_token()
    os.environ.update(token)
    try:
        yield
    finally:
        for name in token:
            os.environ.pop(name, None)


@cache
def _make_token() -> dict[str, str]:
    """The secret in the variables that Ray reads, once, when it is imported.

    None where it is imported already, or a user has chosen how to protect it.
    """
    if "ray" in sys.modules or any(name.startswith("RAY_AUTH_") for name in os.environ):
        return {}
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
