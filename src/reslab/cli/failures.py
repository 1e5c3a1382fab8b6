"""What no verb can do anything about, in a sentence: the system refuses, or memory is short."""

from reslab.files.failures import explain_os_error

_OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "bad_alloc")
_NO_THREAD = "can't start new thread"
_KEPT = "What had been saved is kept."


def explain_failure(error: BaseException) -> str | None:
    """What went wrong and what to do; None if it is a fault of reslab's own."""
    text = str(error)
    if isinstance(error, OSError):
        return f"{explain_os_error(error)}. {_KEPT}"
    if isinstance(error, MemoryError) or any(words in text for words in _OUT_OF_MEMORY):
        return (
            "out of memory: close other programs, or ask for less at a time, such as a smaller "
            f"--batch-size, fewer --workers, or --recompute always. {_KEPT}"
        )
    if _NO_THREAD in text:
        return f"no further thread could be started: raise the limit (`ulimit -u`). {_KEPT}"
    return None
