import json
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reslab.errors import RunError
from reslab.runs.metrics import CHECK, MetricsLog, read_last_step, read_metrics

RECORDS = [{"kind": "train", "step": step, "loss": 1 / step} for step in range(1, 6)]


def write_records(path: Path) -> None:
    log = MetricsLog(path)
    for record in RECORDS:
        log.append(record)


def _closing_brackets(content: bytes) -> list[int]:
    return [match.end() for match in re.finditer(rb"\}", content)]


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert read_metrics(path) == []
    assert read_last_step(path) == 0
    write_records(path)
    assert read_metrics(path) == RECORDS
    assert read_last_step(path) == 5


def test_later_records_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write_records(path)
    MetricsLog(path).forget_after(3)
    assert read_metrics(path) == RECORDS[:3]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None
)
@given(st.data())
def test_a_file_cut_anywhere_gives_its_whole_lines(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "metrics.jsonl"
    path.unlink(missing_ok=True)
    write_records(path)
    content = path.read_bytes()
    cut = content[: data.draw(st.integers(0, len(content)))]
    path.write_bytes(cut)
    # The last line counts from its closing bracket on.
    whole = sum(cut.startswith(content[:end]) for end in _closing_brackets(content))
    assert read_metrics(path) == RECORDS[:whole]
    assert read_last_step(path) == whole


@pytest.mark.parametrize("line", range(len(RECORDS)))
def test_a_changed_digit_is_told_from_a_line_cut_short(tmp_path: Path, line: int) -> None:
    path = tmp_path / "metrics.jsonl"
    write_records(path)
    lines = path.read_text().splitlines(keepends=True)
    lines[line] = lines[line].replace('"loss": 0', '"loss": 1').replace("1.0", "7.0")
    path.write_text("".join(lines))
    with pytest.raises(RunError, match=rf"metrics\.jsonl, line {line + 1} is damaged"):
        read_metrics(path)


def test_a_checksum_that_is_no_longer_called_so_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write_records(path)
    path.write_text(path.read_text().replace(CHECK, "crc33", 1))
    with pytest.raises(RunError, match="line 1"):
        read_metrics(path)


def test_lines_of_the_time_before_checksums_are_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    assert read_metrics(path) == RECORDS
    MetricsLog(path).forget_after(4)
    assert path.read_text().count(CHECK) == 4
    assert read_metrics(path) == RECORDS[:4]


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Limits how large this process may make a file; the system then takes part of a line."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_no_part_of_a_line_is_left_where_it_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write_records(path)
    size = path.stat().st_size
    with files_limited_to(size + 10), pytest.raises(OSError, match="File too large"):
        MetricsLog(path).append({"kind": "train", "step": 6, "loss": 0.5})
    assert path.stat().st_size == size
    assert read_metrics(path) == RECORDS


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "[NaN]", '{"a": -1e999}'])
def test_what_is_no_number_is_no_measurement(tmp_path: Path, value: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"kind": "train", "step": 1, "loss": {value}}}\n')
    with pytest.raises(RunError, match="line 1"):
        read_metrics(path)


def test_a_line_ends_with_a_newline_alone(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 4, "loss":\r 0.5}\n')
    assert read_metrics(path) == [{"step": 4, "loss": 0.5}]
    assert read_last_step(path) == 4
