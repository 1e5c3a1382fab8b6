"""Images that a browser sends: how many, how large, and nothing but images."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from reslab.errors import DataError

MAX_IMAGES = 8
MAX_IMAGE_BYTES = 8 * 2**20
MAX_TOTAL_BYTES = 24 * 2**20
MAX_PIXELS = 40_000_000
LIMITS = (
    f"Up to {MAX_IMAGES} at a time, {MAX_IMAGE_BYTES // 2**20} MiB and {MAX_PIXELS // 10**6} "
    f"million pixels each, {MAX_TOTAL_BYTES // 2**20} MiB together."
)
MAX_NAME = 80


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as it came."""

    name: str
    content: bytes


def decode_uploads(names: Sequence[str], contents: Sequence[str]) -> list[Upload]:
    """The files that `data:` addresses hold.

    Args:
        names: of the files; only shown, never used as paths.
        contents: `data:` addresses in base64, one for each name.

    Raises:
        DataError: if there are too many, one or all are too large, or one is not such an address.
    """
    if len(contents) > MAX_IMAGES or len(names) != len(contents):
        raise DataError(f"{len(contents)} images are too many at once. {LIMITS}")
    uploads = [_decode(name[:MAX_NAME], text) for name, text in zip(names, contents, strict=True)]
    if sum(len(upload.content) for upload in uploads) > MAX_TOTAL_BYTES:
        raise DataError(f"these images are too large together. {LIMITS}")
    return uploads


def _decode(name: str, text: str) -> Upload:
    kind, _, encoded = text.partition(",")
    if not kind.startswith("data:") or not kind.endswith(";base64"):
        raise DataError(f"{name} did not arrive as a file: choose it again")
    if len(encoded) * 3 // 4 > MAX_IMAGE_BYTES:
        raise DataError(f"{name} is too large. {LIMITS}")
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise DataError(f"{name} did not arrive whole: choose it again") from error
    return Upload(name=name, content=content)
