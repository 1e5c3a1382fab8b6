"""Reading the logs of any framework: CSV files of errors, accuracies or losses."""

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from reslab.analysis.curve_columns import (
    ColumnNames,
    Scale,
    find_columns,
    is_epoch,
    is_percent_by_name,
    list_names,
)
from reslab.analysis.curve_table import Table, read_table
from reslab.analysis.diagnosis_curves import NOTHING, Series, TrainingCurve
from reslab.errors import DataError

# A fraction computed in single precision may pass 1 by a little.
ROUNDING = 1e-5


@dataclass(frozen=True, kw_only=True)
class LogReading:
    """How a log is to be read where its names and numbers do not say it themselves."""

    columns: ColumnNames = field(default_factory=ColumnNames)
    """The columns told by name."""
    scale: Scale = "auto"
    """Whether errors and accuracies are percent or fractions; `auto` takes percent where a column's
    name says so or a value is above 1, else fractions."""


AS_FOUND = LogReading()
CUT = "the last line, which has no end and may be cut short, is left out"


def read_curve(path: Path, reading: LogReading = AS_FOUND) -> TrainingCurve:
    """Read one training of one net from a CSV file.

    Errors are taken where there are any, else accuracies, else losses. Empty cells were not
    measured. A step that comes again (a run that was resumed) replaces what was written before.

    Args:
        path: the file: a line of names, then numbers; comma, semicolon, tab or bar between.
        reading: columns and scale, where they are to be told.

    Raises:
        DataError: if the file cannot be read, or has no training and test curve.
    """
    table = read_table(path)
    columns = find_columns(table.header, reading.columns, str(path))
    _check_numbers(table, columns, path)
    rows = _drop_replaced(table, columns.step_column)
    if not rows:
        raise DataError(f"{path}: column {columns.step_column!r} holds no step in any row")
    log = _Log(path=path, columns=columns, rows=rows, reading=reading)
    curve = log.read()
    return curve if table.ended else replace(curve, notes=(*curve.notes, CUT))


@dataclass(frozen=True, kw_only=True)
class _Log:
    path: Path
    columns: ColumnNames
    rows: list[dict[str, float | None]]
    """The last has the latest step; None where nothing was measured."""
    reading: LogReading

    def read(self) -> TrainingCurve:
        c = self.columns
        errors = _either(c.train_error, c.train_accuracy), _either(c.test_error, c.test_accuracy)
        losses = c.train_loss, c.test_loss
        notes = () if c.step_column else ("no column of steps: rows are counted instead",)
        curve = TrainingCurve(
            name=str(self.path),
            train=NOTHING,
            test=NOTHING,
            learning_rate=self._series(c.learning_rate_column),
            lost_at=self._find_loss_of_numbers(),
            epochs=self._count_epochs(),
            notes=notes,
        )
        if all(errors):
            return replace(curve, train=self._errors("train"), test=self._errors("test"))
        if all(losses):
            train, test = (self._series(name) for name in losses)
            return self._check(replace(curve, train=train, test=test, quantity="loss"))
        raise DataError(self._missing())

    def _errors(self, split: str) -> Series:
        error, accuracy = self._names(split)
        series = self._series(error or accuracy)
        factor = 1.0 if self._are_percent() else 100.0
        values = [value * factor for value in series.values]
        if error is None:
            values = [100 - value for value in values]
        self._check_range(error or accuracy or "", values)
        curve = Series(steps=series.steps, values=tuple(min(max(v, 0.0), 100.0) for v in values))
        if not len(curve) and self._find_loss_of_numbers() is None:
            raise DataError(f"{self.path}: column {error or accuracy!r} holds no number")
        return curve.thin()

    def _check(self, curve: TrainingCurve) -> TrainingCurve:
        if curve.lost_at is None and not (len(curve.train) and len(curve.test)):
            raise DataError(
                f"{self.path}: columns {self.columns.train_loss!r} and {self.columns.test_loss!r} "
                "hold no numbers"
            )
        return replace(curve, train=curve.train.thin(), test=curve.test.thin())

    def _names(self, split: str) -> tuple[str | None, str | None]:
        if split == "train":
            return self.columns.train_error, self.columns.train_accuracy
        return self.columns.test_error, self.columns.test_accuracy

    def _series(self, column: str | None) -> Series:
        if column is None:
            return NOTHING
        pairs = [
            (self._step(i, row), value)
            for i, row in enumerate(self.rows)
            if (value := row[column]) is not None and math.isfinite(value)
        ]
        # Several rows of one step, as where batches are logged by epoch, are averaged.
        merged: dict[float, list[float]] = {}
        for step, value in pairs:
            merged.setdefault(step, []).append(value)
        return Series(
            steps=tuple(sorted(merged)),
            values=tuple(math.fsum(merged[s]) / len(merged[s]) for s in sorted(merged)),
        )

    def _step(self, i: int, row: dict[str, float | None]) -> float:
        step = row[self.columns.step_column] if self.columns.step_column else None
        return float(i) if step is None else step

    def _count_epochs(self) -> float | None:
        if self.columns.step_column is None or not is_epoch(self.columns.step_column):
            return None
        steps = [step for i, row in enumerate(self.rows) if (step := self._step(i, row)) >= 0]
        return max(steps) - min(steps) + 1 if steps else None

    def _are_percent(self) -> bool:
        if self.reading.scale != "auto":
            return self.reading.scale == "percent"
        used = [name for split in ("train", "test") if (name := _either(*self._names(split)))]
        highest = {name: max(self._series(name).values, default=0.0) for name in used}
        above = [name for name, value in highest.items() if value > 1 + ROUNDING]
        small = [name for name in used if name not in above and not is_percent_by_name(name)]
        accuracies = {self.columns.train_accuracy, self.columns.test_accuracy}
        if above and set(small) & accuracies:
            # An accuracy of 1 % throughout beside another column in percent is hardly meant.
            raise DataError(
                f"{self.path}: {list_names(above)} seems to be percent and {list_names(small)} a "
                "fraction: write both alike, or say --scale percent"
            )
        return bool(above) or any(is_percent_by_name(name) for name in used)

    def _check_range(self, column: str, values: list[float]) -> None:
        outside = next((v for v in values if not -1e-3 <= v <= 100 * (1 + ROUNDING)), None)
        if outside is not None:
            raise DataError(
                f"{self.path}: column {column!r} gives an error of {outside:g} %, which is not "
                "between 0 and 100: name another column, or give --scale percent or fraction"
            )

    def _find_loss_of_numbers(self) -> float | None:
        """The step from which on the log says NaN or infinity to its end."""
        first: float | None = None
        for i in range(len(self.rows) - 1, -1, -1):
            lost = self._is_lost(self.rows[i])
            if lost is False:
                break
            if lost:
                first = self._step(i, self.rows[i])
        return first

    def _is_lost(self, row: dict[str, float | None]) -> bool | None:
        """Whether a row says NaN where a number should be; None if it measures nothing.

        Frameworks that write training and test rows in turn fill the other's cells with NaN: that
        is told from divergence by the row's other cells.
        """
        c = self.columns
        train = [row[n] for n in (c.train_loss, c.train_error, c.train_accuracy) if n]
        test = [row[n] for n in (c.test_loss, c.test_error, c.test_accuracy) if n]
        written = [value for value in (*train, *test) if value is not None]
        if any(math.isinf(value) for value in written):
            return True
        nans = [math.isnan(value) for value in written]
        if not any(nans):
            return False if nans else None
        return all(nans) or _half_lost(train) or _half_lost(test)

    def _missing(self) -> str:
        c = self.columns
        train = _either(c.train_error, c.train_accuracy, c.train_loss)
        lacking = [
            split
            for split, names in (
                ("training", (c.train_error, c.train_accuracy)),
                ("test (or validation)", (c.test_error, c.test_accuracy)),
            )
            if not _either(*names)
        ]
        found = f" (it has {train!r})" if train else ""
        return (
            f"{self.path} has no column of {' and of '.join(lacking)} error or accuracy{found}; "
            f"its columns are {list_names(list(self.rows[0]))}: name them with --train-error, "
            "--test-error, --train-accuracy, --test-accuracy, or --train-loss and --test-loss"
        )


def _check_numbers(table: Table, columns: ColumnNames, path: Path) -> None:
    for column in asdict(columns).values():
        if column in table.words:
            raise DataError(
                f"{path}: {table.words[column]}, column {column!r}, is not a number: correct it, "
                "leave it empty if nothing was measured, or name another column"
            )


def _half_lost(values: list[float | None]) -> bool:
    nans = [math.isnan(value) for value in values if value is not None]
    return any(nans) and not all(nans)


def _either(*names: str | None) -> str | None:
    return next((name for name in names if name), None)


def _drop_replaced(table: Table, step: str | None) -> list[dict[str, float | None]]:
    """Rows without those that a resumed run wrote again from an earlier step on."""
    if step is None:
        return table.rows
    kept: list[dict[str, float | None]] = []
    for row in table.rows:
        now = row[step]
        if now is not None and not math.isfinite(now):
            continue
        # Rows of one step belong together where they follow each other; after a step back they
        # were written anew.
        if now is not None and kept and (last := kept[-1][step]) is not None and last > now:
            kept = [r for r in kept if (before := r[step]) is None or before < now]
        kept.append(row)
    return kept
