"""Files as an attacker would write them: nothing runs, nothing swells, nothing is shown raw.

Those of data sets (tar members, tables, paths that lead outside) are in `tests/data/sources`.
"""

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from reslab.cli.main import main
from reslab.errors import ConfigError, ReslabError, WeightsError
from reslab.files.documents import read_json, write_json
from reslab.files.tensors import read_tensors, write_tensors
from reslab.networks.conversion.convert import convert_weights
from reslab.networks.weights import load, save
from reslab.report.interactive import render_interactive
from reslab.report.pages import open_templates
from reslab.report.still import render_chart
from reslab.report.study_page import rebuild_report
from reslab.studies.charts import Bars, Chart, Line, Panel

TERMINAL = "\x1b]0;owned\x07\x1b[31m"
HTML = "<script>alert(1)</script>$\\frac$<img src=x onerror=alert(1)>"


class RunsOnLoading:
    """A pickle of this runs a command."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self._marker}",)


@pytest.mark.parametrize("nested", [False, True])
def test_a_pickle_that_runs_a_command_is_refused(nested: bool, tmp_path: Path) -> None:
    marker, path = tmp_path / "ran", tmp_path / "weights.pth"
    content: Any = RunsOnLoading(marker)
    torch.save({"state_dict": {"fc.weight": content}} if nested else content, path)
    with pytest.raises(WeightsError, match=r"weights\.pth .*runs no code from a file"):
        convert_weights(path)
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(WeightsError, match=r"weights\.pth"):
        convert_weights(path)
    for reader in (load, read_tensors):
        with pytest.raises(WeightsError, match=r"weights\.pth"):
            reader(path)
    assert not marker.exists()


def test_an_archive_that_unpacks_to_more_than_it_is_is_refused(tmp_path: Path) -> None:
    honest, bomb = tmp_path / "honest.pth", tmp_path / "bomb.pth"
    torch.save({"fc.weight": torch.zeros(2_000_000)}, honest)
    deflated = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(bomb, "w", deflated) as target:
        for member in source.infolist():
            target.writestr(member.filename, source.read(member))
    assert bomb.stat().st_size < 100_000
    with pytest.raises(WeightsError, match=r"bomb\.pth is compressed and would unpack to 8,0"):
        convert_weights(bomb)


def test_names_within_an_archive_lead_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "weights.pth"
    path.parent.mkdir()
    torch.save({"fc.weight": torch.zeros(2)}, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../escaped", b"x" * 4)
        archive.writestr("/tmp/escaped-from-an-archive", b"x" * 4)  # noqa: S108
    with pytest.raises(ReslabError):
        convert_weights(path)
    assert [p.name for p in tmp_path.rglob("*")] == ["sub", "weights.pth"]
    assert not Path("/tmp/escaped-from-an-archive").exists()  # noqa: S108


def write_safetensors(path: Path, header: dict[str, Any] | bytes, data: bytes) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def tensor(begin: int, end: int, shape: list[int]) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}


HEADERS: dict[str, dict[str, Any] | bytes] = {
    "overlapping": {"a": tensor(0, 8, [2]), "b": tensor(4, 12, [2])},
    "beyond the file": {"a": tensor(0, 4_000_000_000, [1_000_000_000])},
    "larger than its bytes": {"a": tensor(0, 8, [1000, 1000])},
    "a hole": {"a": tensor(0, 4, [1]), "b": tensor(8, 12, [1])},
    "backwards": {"a": tensor(8, 0, [2])},
    "sizes that overflow": {"a": tensor(0, 8, [2**62, 8])},
    "an unknown type": {"a": {"dtype": "OBJECT", "shape": [1], "data_offsets": [0, 8]}},
    "twice": b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
    b'"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}',
    "nested": b'{"a":' * 50_000,
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_safetensors_that_lie_are_refused(header: dict[str, Any] | bytes, tmp_path: Path) -> None:
    path = tmp_path / "lying.safetensors"
    write_safetensors(path, header, bytes(12))
    for read in (load, read_tensors, convert_weights):
        with pytest.raises(WeightsError, match=r"lying\.safetensors"):
            read(path)


@pytest.fixture
def signed(whole: Path, tmp_path: Path) -> Callable[..., Path]:
    """A weights file with parts of its description changed, and the digest that fits."""

    def sign(**changes: Any) -> Path:
        tensors, document = read_tensors(whole / "weights.safetensors")
        del document["digest"]
        network = document["network"] | changes.pop("network", {})
        path = tmp_path / "hostile.safetensors"
        write_tensors(path, tensors, {**document, "network": network, **changes})
        return path

    return sign


@pytest.mark.parametrize(
    "changes",
    [
        {"network": {"blocks_per_stage": [10**9, 1, 1]}},
        {"network": {"blocks_per_stage": [9_000, 1, 1]}},
        {"network": {"stage_widths": [2**40, 8, 16]}},
        {"network": {"stage_widths": [2**20, 2**20, 2**20]}},
        {"network": {"stage_strides": [2**70, 1, 1]}},
        {"network": {"block": "../../etc/passwd"}},
        {"network": {"shortcut": "__import__('os')"}},
        {"class_names": "0123456789"},
        {"class_names": [["a"]] * 10},
        {"geometry": {"crop": 2**40}},
        {"provenance": {"source": "a", "details": {}, "extra": 1}},
        {"format": TERMINAL},
    ],
    ids=str,
)
def test_a_description_that_its_tensors_do_not_bear_out_is_refused(
    changes: dict[str, Any], signed: Callable[..., Path]
) -> None:
    with pytest.raises((WeightsError, ConfigError), match=r"hostile\.safetensors"):
        load(signed(**changes))


def test_what_a_file_says_of_itself_cannot_drive_the_terminal(
    signed: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    names = [f"{TERMINAL}{i}" for i in range(10)]
    path = signed(network={"name": f"resnet8{TERMINAL}"}, class_names=names)
    picture = tmp_path / "a.png"
    picture.touch()
    for arguments in (["describe", str(path)], ["convert", str(path), str(tmp_path / "out")]):
        with pytest.raises(SystemExit):
            main(arguments)
    with pytest.raises(SystemExit):
        main(["predict", str(signed(format=TERMINAL)), str(picture)])
    captured = capsys.readouterr()
    assert "owned" in captured.out
    assert "\x1b" not in captured.out + captured.err
    assert "\x07" not in captured.out + captured.err


def hostile_chart() -> Chart:
    line = Line(label=HTML, x=(0.0, 1.0), y=(0.0, 1.0))
    bars = Bars(label=HTML, names=(HTML, "b"), values=(1.0, 2.0))
    panels = (
        Panel(title=HTML, x_label=HTML, y_label=HTML, marks=(line,)),
        Panel(x_label="x", y_label="y", marks=(bars,)),
    )
    return Chart(name="hostile", caption=HTML, panels=panels)


def test_names_in_a_chart_are_text(tmp_path: Path) -> None:
    assert render_chart(hostile_chart(), tmp_path).is_file()
    assert "<script>alert" not in (tmp_path / "hostile.svg").read_text()
    html = render_interactive(hostile_chart())
    # In a script as JSON, and there as entities, which the drawing library shows as they are.
    assert "<img" not in html
    assert "<script>alert" not in html
    assert "\\u003cimg" not in html
    assert "&lt;img" in html.replace("\\u0026", "&")


def test_what_a_page_is_given_is_text() -> None:
    template = open_templates().from_string("{% for v in values %}{{ v }}{% endfor %}")
    assert "<" not in template.render(values=[HTML, TERMINAL])


def test_a_stored_study_cannot_name_the_code_that_is_run(tmp_path: Path) -> None:
    marker, module = tmp_path / "ran", tmp_path / "evil.py"
    module.write_text(f"open({str(marker)!r}, 'w')")
    setting = {
        "data": "digits", "budget": None, "steps": 4, "seeds": 1, "depths": [8], "width": 4,
        "weights": [],
    }  # fmt: skip
    document = {"study": str(module), "setting": setting, "run_folders": ["runs"]}
    write_json(tmp_path / "results.json", document)
    with pytest.raises(ConfigError, match="name the Python file that holds it with --study"):
        rebuild_report(tmp_path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": 10**12},
        {"depths": [20, 10**9 + 2]},
        {"data": "../../etc"},
        {"steps": 0},
        {"steps": 10**400},
        {"depths": []},
        {"weights": "\0"},
        {"weights": ["\ud800"], "seeds": 0},
        {"weights": ["\0"], "seeds": 0},
        {"depths": list(range(8, 9000, 6)), "seeds": 10**6},
    ],
    ids=ascii,
)
def test_a_stored_study_keeps_no_computer_busy(changes: dict[str, Any], tmp_path: Path) -> None:
    setting = {
        "data": "digits", "budget": None, "steps": 4, "seeds": 1, "depths": [8], "width": 4,
        "weights": [],
    }  # fmt: skip
    study = "lesions" if changes.get("weights") else "degradation"
    document = {"study": study, "setting": setting | changes, "run_folders": ["../../.."]}
    write_json(tmp_path / "results.json", document)
    with pytest.raises(ReslabError):
        rebuild_report(tmp_path)
    assert read_json(tmp_path / "results.json") == document


def test_weights_that_are_a_device_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(WeightsError, match=path.name):
            convert_weights(path)
        with pytest.raises(WeightsError, match=path.name):
            load(path)


def test_a_class_name_survives_as_it_is(whole: Path, tmp_path: Path) -> None:
    classifier = load(whole / "weights.safetensors")
    classifier.class_names = tuple(f"{HTML}{i}" for i in range(10))
    save(classifier, tmp_path / "named.safetensors")
    assert load(tmp_path / "named.safetensors").class_names == classifier.class_names
