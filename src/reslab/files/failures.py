"""What the system says when it refuses, in words that name the file and the remedy."""

import errno

_REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there",
    errno.EFBIG: "raise the limit of file sizes (`ulimit -f`)",
    errno.EROFS: "make it writable, or choose another folder",
    errno.EACCES: "make it writable, or choose another folder",
    errno.EPERM: "make it writable, or choose another folder",
    errno.ENOENT: "it is gone: put it back, or choose another folder",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.ENFILE: "close other programs",
    errno.ENOMEM: "close other programs, or take a machine with more memory",
    errno.EAGAIN: "close other programs, or raise the limit of processes (`ulimit -u`)",
    errno.EIO: "the disk or the network drive fails: look into the system's log",
    errno.ESTALE: "the network drive has gone: mount it again",
}


def explain_os_error(error: OSError) -> str:
    """The file, what is wrong with it, and what to do: `a/b: No space left on device (free …)`."""
    reason = error.strerror or str(error) or type(error).__name__
    text = reason if error.filename is None else f"{error.filename}: {reason}"
    remedy = _REMEDIES.get(error.errno or 0)
    return text if remedy is None else f"{text} ({remedy})"


def is_refusal(error: OSError) -> bool:
    """Whether the system refuses what was asked of it; other errors tell of a closed pipe, say."""
    return error.errno in _REMEDIES
