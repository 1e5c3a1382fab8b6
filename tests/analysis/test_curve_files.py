import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reslab.analysis.curve_columns import ColumnNames
from reslab.analysis.curve_files import CUT, LogReading, read_curve
from reslab.errors import DataError

LIKE_A_LOG = st.text(alphabet="0123456789.,;\n-eEnaN \"'%train_test", max_size=300).map(str.encode)


def write(folder: Path, text: str | bytes, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("header", "row", "train", "test"),
    [
        ("epoch,train_loss,train_err,test_err", "1,2.0,0.5,0.25", 50, 25),
        ("epoch,train_error,val_error", "1,50,25", 50, 25),
        ("step,train/error,test/error", "1,50.0,25.0", 50, 25),
        ("Epoch,Train Accuracy (%),Val Accuracy (%)", "1,50,75", 50, 25),
        ("epoch,accuracy,loss,val_accuracy,val_loss", "1,0.5,1.0,0.75,0.9", 50, 25),
        ("epoch;train_acc;test_acc", "1;0,5;0,75", 50, 25),
        ("iter\ttrain_top1\ttest_top1", "1\t50\t75", 50, 25),
    ],
)
def test_columns_are_found_by_name_and_scale(
    header: str, row: str, train: float, test: float, tmp_path: Path
) -> None:
    curve = read_curve(write(tmp_path, f"{header}\n{row}\n"))
    assert curve.train.values == pytest.approx((train,))
    assert curve.test.values == pytest.approx((test,))


def test_columns_can_be_told(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,c\n1,30,40\n2,20,35\n")
    with pytest.raises(DataError, match="--train-error"):
        read_curve(path)
    names = ColumnNames(step_column="a", train_error="b", test_error="c")
    curve = read_curve(path, LogReading(columns=names))
    assert curve.test.values == (40, 35)


def test_a_loss_that_is_no_number_is_divergence(tmp_path: Path) -> None:
    rows = "".join(f"{i},0.5,0.5,{2.0 if i < 9 else math.nan}\n" for i in range(1, 13))
    curve = read_curve(write(tmp_path, f"epoch,train_err,test_err,train_loss\n{rows}"))
    assert curve.lost_at == 9


def test_a_resumed_run_replaces_what_it_wrote_before(tmp_path: Path) -> None:
    text = "epoch,train_err,test_err\n1,.5,.5\n2,.4,.4\n3,.9,.9\n2,.3,.3\n3,.2,.2\n"
    assert read_curve(write(tmp_path, text)).train.values == (50, 30, 20)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("epoch,train_err,test_err\n", "no rows"),
        ("1,0.5,0.6\n2,0.4,0.5\n", "names the columns"),
        ("epoch,train_err,test_err\n1,bad,0.5\n2,0.4,0.5\n", "is not a number"),
        ("epoch,train_err,train_err,test_err\n1,1,1,1\n", "several columns"),
        (b"PK\x03\x04\x00\x00\x00", "not a text file"),
        ("epoch,lr\n1,0.1\n", "no column of"),
    ],
)
def test_what_cannot_be_read_is_answered_with_the_file_and_a_remedy(
    text: str | bytes, complaint: str, tmp_path: Path
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=complaint) as caught:
        read_curve(path)
    assert "log.csv" in str(caught.value)


@pytest.mark.parametrize("missing", ["nowhere.csv", ""])
def test_a_missing_file_or_a_folder_is_named(missing: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_curve(tmp_path / missing)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=300), LIKE_A_LOG))
def test_any_bytes_give_a_curve_or_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = write(tmp_path, content)
    try:
        curve = read_curve(path)
    except DataError as error:
        complaint = str(error)
    else:
        complaint = "log.csv"
        assert all(math.isfinite(v) for s in (curve.train, curve.test) for v in s.values)
    assert "log.csv" in complaint


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 200))
def test_a_log_cut_anywhere_loses_its_last_line_at_most(cut: int, tmp_path: Path) -> None:
    rows = [f"{i},{50 - i:.3f},{60 - i:.3f}" for i in range(1, 10)]
    whole = "epoch,train_error,test_error\n" + "\n".join(rows) + "\n"
    try:
        curve = read_curve(write(tmp_path, whole[:cut]))
    except DataError:
        return
    for step, value in zip(curve.train.steps, curve.train.values, strict=True):
        assert value == pytest.approx(50 - step)


def test_a_number_that_may_be_cut_is_no_number(tmp_path: Path) -> None:
    text = "epoch,train_err,test_err\n0,0.5,0.6\n1,0.25,0.35"
    whole = read_curve(write(tmp_path, f"{text}\n"))
    assert list(whole.test.values) == [60, 35]
    assert whole.notes == ()
    cut = read_curve(write(tmp_path, text[:-1]))
    assert list(cut.test.values) == [60]
    assert cut.notes == (CUT,)


def test_a_log_without_a_single_step_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "epoch,train_err\nnan,0.5\nnan,0.4\n")
    with pytest.raises(DataError, match=r"log\.csv: column 'epoch' holds no step"):
        read_curve(path)
