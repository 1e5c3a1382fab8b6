"""Copying shards from a URL to this machine, once each."""

import hashlib
import os
import re
import tempfile
from pathlib import Path, PurePosixPath
from select import select
from typing import IO, Any
from urllib.parse import urlsplit

from reslab.data.reading import escape
from reslab.data.sources.optional import import_optional
from reslab.data.sources.parts import find_part
from reslab.errors import ConfigError, DataError

SCHEMES = ("http", "https", "sftp", "ftps", "scp", "gs", "hf", "ais")
"""Of WebDataset's opener; not `pipe`, which would run a command."""

_PLAIN = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%{}-]+")
_URL = re.compile(r"([a-z][a-z0-9+.-]*):(//)?")
CHUNK_BYTES = 2**20

PATIENCE_SECONDS = 120.0
"""With the connection that gives nothing; what is slow, but comes, may take as long as it takes."""


def is_url(spec: str) -> bool:
    """Whether a specification names a place elsewhere, rather than a path."""
    found = _URL.match(spec)
    return found is not None and (bool(found[2]) or found[1] == "pipe")


def fetch_shards(
    spec: str, cache: Path | None, patience_seconds: float = PATIENCE_SECONDS
) -> list[Path]:
    """Copy what is not there yet, each whole or not at all.

    Args:
        spec: a URL, with `{000..127}` for many.
        cache: the folder for the copies.
        patience_seconds: for how long nothing may come.

    Returns:
        The copies, in the order of the specification.

    Raises:
        ConfigError: if there is no cache, or the URL is of a kind that is not fetched.
        DataError: if a shard cannot be fetched; those before it are kept.
    """
    if spec.partition(":")[0] not in SCHEMES or not _PLAIN.fullmatch(spec):
        raise ConfigError(
            f"{spec!r} is not fetched: give a URL of {', '.join(SCHEMES)}, with other characters "
            "than letters, digits and -._~:/?#[]@!$&()*+,;=%{} in the form %20"
        )
    if cache is None:
        raise ConfigError(
            f"the shards at {spec!r} are copied to this machine once: name the folder for the "
            "copies with --cache DIR"
        )
    braceexpand = import_optional("braceexpand", "data", "shards at a URL")
    folder = cache / hashlib.sha256(spec.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return [_fetch(url, folder, patience_seconds) for url in braceexpand.braceexpand(spec)]


def _fetch(url: str, folder: Path, patience_seconds: float) -> Path:
    # The name may say which part it is; the digest keeps equal names apart.
    path = PurePosixPath(urlsplit(url).path)
    part = find_part(path) or "shard"
    target = folder / f"{part}-{path.stem}-{hashlib.sha256(url.encode()).hexdigest()[:8]}.tar"
    if target.is_file():
        return target
    webdataset = import_optional("webdataset", "data", "shards at a URL")
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".part-", delete=False) as file:
            temporary = Path(file.name)
            try:
                with webdataset.gopen(url) as stream:
                    _copy(stream, file, patience_seconds)
                temporary.replace(target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except Exception as error:  # The opener raises whatever its scheme's tool does.
        raise DataError(
            f"cannot fetch {escape(url)}: {_find_reason(error)}. Check the URL and the connection; "
            "shards that are here already are not fetched again."
        ) from error
    return target


def _find_reason(error: Exception) -> str:
    # The opener's own message is the whole command that it ran.
    code = re.search(r"exit (-?\d+)", str(error))
    return f"the tool for its scheme ended with code {code[1]}" if code else str(error)


def _copy(stream: Any, file: IO[bytes], patience_seconds: float) -> None:
    """Copy what a tool that the opener started writes, and end it where nothing comes."""
    source = stream.stream.fileno()
    while select([source], [], [], patience_seconds)[0]:
        content = os.read(source, CHUNK_BYTES)
        if not content:
            return
        file.write(content)
    stream.ignore_errors = True
    stream.proc.kill()
    raise TimeoutError(f"nothing came for {patience_seconds:g} s")
