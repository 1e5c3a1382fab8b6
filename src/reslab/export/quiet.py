"""Keeping a library's remarks on its own internals from a user who can do nothing about them."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(logger_name: str | None) -> Iterator[None]:
    """Hide warnings, and what a logger says below an error.

    Args:
        logger_name: of the library; None is the root, for one that has no logger of its own.
    """
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
