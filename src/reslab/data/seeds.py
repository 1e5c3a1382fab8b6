"""Every random number follows from a run's one seed, through streams that do not overlap."""

import hashlib


def derive_seed(seed: int, *stream: str | int) -> int:
    """A seed for one purpose, such as `derive_seed(seed, "order", epoch)`.

    A pure function of its arguments, so a resumed run draws what the uninterrupted one would.
    """
    key = "/".join(str(part) for part in (seed, *stream))
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) >> 1
