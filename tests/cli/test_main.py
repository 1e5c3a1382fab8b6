"""The command as a user runs it: streams, exit codes, messages."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reslab.cli.main import main
from reslab.runs.directory import RunDirectory

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command and return exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(list(arguments))
        captured = capsys.readouterr()
        return int(exit_.value.code or 0), captured.out, captured.err

    return call


TRAIN = ("train", "resnet8", "--width", "4", "--threads", "1", "--device", "cpu")


def test_describe_prints_one_json_object(run: Run) -> None:
    code, out, err = run("describe", "resnet20", "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document["weighted_layers"] == 20
    assert document["params"] == 269_722
    assert document["shortcuts"] == {"identity": 9, "projection": 0}
    keys = {
        "name", "type", "kernel", "stride", "padding", "in_channels", "out_channels",
        "output_size", "params", "macs",
    }  # fmt: skip
    assert all(layer.keys() == keys for layer in document["layers"])
    assert sum(layer["macs"] for layer in document["layers"]) == document["macs"]


def test_describe_prints_a_table(run: Run) -> None:
    code, out, _ = run("describe", "plain20", "--input-size", "8", "--in-channels", "1")
    assert code == 0
    assert "layer3.2.conv2" in out
    assert "6n+2 = 6·3+2 = 20" in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("describe", "resnet21"), "20 and 26"),
        (("describe", "rasnet20"), "did you mean resnet20"),
        (("describe", "resnet20", "--shortcut", "D"), "choose one of none, A"),
        (("train", "resnet20", "--data", "cifar10", "--out", "{tmp}/run"), "--data-root"),
        (
            ("train", "resnet20", "--data", "cifar10", "--data-root", "{tmp}", "--out", "{tmp}/r"),
            "data_batch_1.bin is missing",
        ),
        (("train", "resnet20", "--out", "{tmp}/run", "--device", "cuda:7"), "--device cpu"),
        (("train", "resnet20", "--out", "{tmp}/run", "--steps", "0"), "steps is 0"),
        (("train", "resnet20", "--out", "/proc/nowhere/run", "--steps", "1"), "cannot write"),
        (("study", "degredation"), "choose one of degradation"),
        (("study",), "name a study"),
        (("study", "degradation", "--weights", "x"), "measures no given weights"),
        (("study", "degradation", "--depths", "20,21", "--out", "{tmp}/study"), "20 and 26"),
        (("train", "plain20", "--shortcut", "A", "--out", "{tmp}/run"), "take resnet20"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(
    arguments: tuple[str, ...], complaint: str, run: Run, tmp_path: Path
) -> None:
    code, out, err = run(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert (code, out) == (2, "")
    assert complaint in err
    assert err.startswith("reslab: ")
    assert err.count("\n") == 1


def test_train_prints_its_result_and_resumes(run: Run, tmp_path: Path) -> None:
    command = (*TRAIN, "--steps", "5", "--out", str(tmp_path / "run"), "--json")
    code, out, _ = run(*command)
    result = json.loads(out)
    assert code == 0
    assert (result["state"], result["steps_done"], result["family"]) == ("finished", 5, "residual")
    assert run(*command)[0] == 2
    code, out, _ = run(*command, "--resume")
    assert (code, json.loads(out)) == (0, result)

    code, out, _ = run("describe", str(tmp_path / "run" / "weights.safetensors"), "--json")
    assert (code, json.loads(out)["name"]) == (0, "resnet8")
    assert json.loads(out)["layers"][0]["in_channels"] == 1


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "reslab", *TRAIN, "--steps", "5000", "--out", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not RunDirectory(tmp_path).read_metrics():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in out
    assert "Traceback" not in err


def test_study_writes_its_page_and_prints_its_verdict(run: Run, tmp_path: Path) -> None:
    code, out, _ = run(
        "study", "degradation", "--steps", "3", "--depths", "8,14", "--seeds", "2", "--width", "4",
        "--device", "cpu", "--out", str(tmp_path), "--json",
    )  # fmt: skip
    document = json.loads(out)
    assert code == 0
    assert document["details"]["verdict"] == "cannot tell"
    assert {claim["verdict"] for claim in document["claims"]} == {"not tested at this budget"}
    assert Path(document["report"]).is_file()
    stored = json.loads((tmp_path / "results.json").read_text())
    assert len(stored["runs"]) == 8
    keys = {"network", "family", "depth", "seed", "train_error_pct", "test_error_pct"}
    assert all(keys <= entry.keys() for entry in stored["runs"])
    code, out, _ = run("report", str(tmp_path), "--json")
    assert (code, json.loads(out)) == (0, document)


def test_reproduce_writes_one_page_over_its_studies(run: Run, tmp_path: Path) -> None:
    command = (
        "reproduce", "--only", "degradation", "--steps", "3", "--depths", "8,14", "--seeds", "1",
        "--width", "4", "--device", "cpu", "--out", str(tmp_path), "--json",
    )  # fmt: skip
    code, out, _ = run(*command)
    document = json.loads(out)
    assert code == 0
    assert [claim["study"] for claim in document["claims"]] == ["degradation", "degradation"]
    html = Path(document["report"]).read_text()
    assert "degradation/report.html" in html
    assert (tmp_path / "degradation" / "report.html").is_file()


def test_studies_are_listed_with_their_cost(run: Run) -> None:
    code, out, _ = run("study", "--list", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert rows["degradation"]["costs"]["smoke"].startswith("8 runs")
    assert all(row["question"] and row["refuted_by"] for row in rows.values())


def test_control_characters_cannot_drive_the_terminal(run: Run) -> None:
    code, _, err = run("describe", "\x1b[2Jresnet20")
    assert code == 2
    assert "\x1b" not in err


@pytest.mark.parametrize("content", ["[]", "{}", '{"plan": null}', "{"])
def test_a_damaged_study_is_named(content: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(content)
    code, _, err = run("report", str(tmp_path))
    assert code == 2
    assert "results.json" in err


@pytest.mark.parametrize("content", ["[]", "{}", '{"digest": "", "config": []}'])
def test_a_damaged_run_is_named(content: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    code, _, err = run(*TRAIN, "--steps", "3", "--out", str(tmp_path), "--resume")
    assert code == 2
    assert "config.json" in err


@pytest.mark.parametrize("verb", ["describe", "train", "study", "reproduce", "report"])
def test_help_teaches_by_example(verb: str, run: Run) -> None:
    code, out, _ = run(verb, "--help")
    assert code == 0
    assert f"reslab {verb}" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_a_shell(shell: str, run: Run) -> None:
    code, out, _ = run("completion", shell)
    assert code == 0
    assert "reproduce" in out


def test_diagnose_prints_verdict_evidence_and_figure(run: Run, tmp_path: Path) -> None:
    rows = [(e, max(2, 60 - 10 * e), max(10, 65 - 10 * e)) for e in range(1, 61)]
    for name, worse in (("a", 0), ("b", 8)):
        lines = [f"{e},{train + worse},{test + worse}" for e, train, test in rows]
        (tmp_path / f"{name}.csv").write_text("epoch,train_error,test_error\n" + "\n".join(lines))
    sources = (f"20={tmp_path}/a.csv", f"56={tmp_path}/b.csv")
    code, out, _ = run("diagnose", *sources, "--out", str(tmp_path / "d"), "--json")
    document = json.loads(out)
    assert (code, document["verdict"]) == (0, "degradation")
    assert any("56 layers against 20 layers" in line for line in document["evidence"])
    assert Path(document["figure"]).is_file()
    code, _, err = run("diagnose", f"x={tmp_path}/a.csv")
    assert code == 2
    assert "is not a depth" in err
