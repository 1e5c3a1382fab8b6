import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reslab.runs.metrics import MetricsLog, read_last_step, read_metrics

RECORDS = [{"kind": "train", "step": step, "loss": 1 / step} for step in range(1, 6)]


def write_records(path: Path) -> None:
    log = MetricsLog(path)
    for record in RECORDS:
        log.append(record)


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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(st.data())
def test_a_file_cut_anywhere_gives_its_whole_lines(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "metrics.jsonl"
    path.unlink(missing_ok=True)
    write_records(path)
    content = path.read_bytes()
    cut = content[: data.draw(st.integers(0, len(content)))]
    path.write_bytes(cut)
    whole = cut.count(b"\n")
    if cut and not cut.endswith(b"\n"):
        last = cut.splitlines()[-1]
        whole += last == json.dumps(RECORDS[whole]).encode()
    assert read_metrics(path) == RECORDS[:whole]
    assert read_last_step(path) == whole
