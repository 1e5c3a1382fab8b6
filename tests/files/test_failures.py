import errno
import os
from pathlib import Path

import pytest

from reslab.files.failures import explain_os_error, is_refusal


def test_file_reason_and_remedy_are_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as refused:
        (tmp_path / "absent").read_bytes()
    assert is_refusal(refused.value)
    assert explain_os_error(refused.value) == (
        f"{tmp_path / 'absent'}: No such file or directory (it is gone: put it back, or choose "
        "another folder)"
    )


def test_a_closed_pipe_is_not_a_refusal() -> None:
    error = OSError(errno.EPIPE, os.strerror(errno.EPIPE))
    assert not is_refusal(error)
    assert explain_os_error(error) == "Broken pipe"
