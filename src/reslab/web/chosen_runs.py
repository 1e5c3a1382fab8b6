"""The runs that were ticked: their measurements, names short enough for a legend, differences."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from reslab.errors import ReslabError
from reslab.files.documents import digest_document
from reslab.web.context import Context
from reslab.web.curves import MeasuredRun

MAX_CHOSEN = 24
"""More are not told apart by colour, nor read side by side."""


@dataclass(frozen=True, kw_only=True)
class ChosenRun:
    """A run with its configuration, in plain JSON types."""

    measured: MeasuredRun
    config: dict[str, Any]


def open_chosen(context: Context, names: Sequence[str]) -> list[ChosenRun]:
    """Read the runs; one that is damaged is left out, as the table says what is wrong with it."""
    opened = {}
    for name in names[:MAX_CHOSEN]:
        try:
            opened[name] = _open(context, name)
        except (ReslabError, KeyError, TypeError):
            continue
    return _tell_apart(opened)


def _open(context: Context, name: str) -> ChosenRun:
    run = context.workspace.locate_run(name)
    config = run.read_config()["config"]
    same = {key: value for key, value in config.items() if key not in ("seed", "execution")}
    network = str(config["network"]["name"])
    measured = MeasuredRun(
        label=f"{network}, seed {config['seed']}",
        group=digest_document(same),
        group_label=network,
        records=context.tails.read(run.metrics_path),
    )
    return ChosenRun(measured=measured, config=config)


def _tell_apart(runs: dict[str, ChosenRun]) -> list[ChosenRun]:
    """Give runs, and groups of runs, that would be called the same a longer name."""
    labels = Counter(run.measured.label for run in runs.values())
    of_network: dict[str, list[str]] = {}
    for run in runs.values():
        groups = of_network.setdefault(run.measured.group_label, [])
        if run.measured.group not in groups:
            groups.append(run.measured.group)
    told = []
    for name, run in runs.items():
        measured = run.measured
        if labels[measured.label] > 1:
            measured = replace(measured, label=name)
        groups = of_network[measured.group_label]
        if len(groups) > 1:
            place = groups.index(measured.group) + 1
            measured = replace(measured, group_label=f"{measured.group_label} ({place})")
        told.append(replace(run, measured=measured))
    return told
