"""Predictions on stdout as they are made: for people, as JSON, as CSV."""

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any, Protocol

from reslab.cli.output import make_visible, print_line
from reslab.evaluation.prediction import Failure, Prediction


class Writer(Protocol):
    """Receives the predictions in order, and at the end the failures."""

    def write(self, prediction: Prediction, explanation: Path | None) -> None:
        """Write one prediction, and the picture that explains it if there is one."""

    def finish(self, failures: list[Failure]) -> None:
        """Write what comes last."""


class TextWriter:
    """Each image's name, and below it its classes with their probabilities."""

    def write(self, prediction: Prediction, explanation: Path | None) -> None:
        """Write one prediction."""
        print_line(_on_one_line(prediction.path))
        for candidate in prediction.candidates:
            print_line(f"  {100 * candidate.probability:6.2f} %  {candidate.name}")
        if explanation is not None:
            print_line(f"  explained in {_on_one_line(explanation)}")
        sys.stdout.flush()

    def finish(self, failures: list[Failure]) -> None:
        """Nothing: failures were told as they happened."""


class JsonWriter:
    """One object, whose list `predictions` grows while images are read; `failures` follow.

    Args:
        header: the members that come first.
    """

    def __init__(self, header: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(header)[:-1] + ', "predictions": [')
        self._separator = "\n"

    def write(self, prediction: Prediction, explanation: Path | None) -> None:
        """Write one element of `predictions`."""
        document: dict[str, Any] = {
            "image": _as_text(prediction.path),
            "top": [
                {"index": c.index, "class": c.name, "probability": c.probability}
                for c in prediction.candidates
            ],
        }
        if explanation is not None:
            document["explanation"] = _as_text(explanation)
        sys.stdout.write(self._separator + json.dumps(document, allow_nan=False))
        sys.stdout.flush()
        self._separator = ",\n"

    def finish(self, failures: list[Failure]) -> None:
        """Write `failures` and close the object."""
        told = [{"image": _as_text(f.path), "error": f.reason} for f in failures]
        sys.stdout.write('\n], "failures": ' + json.dumps(told) + "}\n")


class CsvWriter:
    """One row for each class of each image: image, rank from 1, index, class, probability."""

    def __init__(self) -> None:
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self._writer.writerow(["image", "rank", "index", "class", "probability"])

    def write(self, prediction: Prediction, explanation: Path | None) -> None:  # noqa: ARG002
        """Write the rows of one prediction."""
        image = _as_text(prediction.path)
        for rank, candidate in enumerate(prediction.candidates, start=1):
            self._writer.writerow(
                [image, rank, candidate.index, candidate.name, candidate.probability]
            )
        sys.stdout.flush()

    def finish(self, failures: list[Failure]) -> None:
        """Nothing: failures were told as they happened."""


def _as_text(path: Path) -> str:
    # A name need not be UTF-8; bytes that are not become escapes such as \xff.
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _on_one_line(path: Path) -> str:
    return make_visible(str(path)).replace("\n", "\\n")
