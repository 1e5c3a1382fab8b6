"""The same measurement on every net of a study: those trained here, and those given as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reslab.studies.measuring import Measured, MeasureFunction, Measurement
from reslab.studies.setting import PlannedRun, StudySetting

GIVEN = " (given)"
"""Added to the name of a net that was given as a file."""


def choose_judged(nets: Sequence[Measured], setting: StudySetting) -> tuple[list[Measured], bool]:
    """The nets that claims are judged on, and whether they can bear a verdict.

    Nets that were given have been trained to the end and say more than those that a small budget
    trains; without any, those trained here.
    """
    given = [net for net in nets if net.label.endswith(GIVEN)]
    return (given, True) if given else (list(nets), not setting.is_too_short)


def measure_each(
    function: MeasureFunction, setting: StudySetting, runs: Sequence[PlannedRun], **arguments: Any
) -> list[Measurement]:
    """Plan a measurement of each run's trained net, and of each file of weights.

    A file is called by its name without the suffix, so `plain20.safetensors` is one of the nets
    called plain20, beside those trained here.
    """
    trained = [
        Measurement(
            label=run.label,
            function=function,
            run=run.config,
            seed=run.config.seed,
            arguments=arguments,
        )
        for run in runs
    ]
    given = [
        Measurement(
            label=f"{Path(path).stem}{GIVEN}",
            function=function,
            weights=path,
            arguments=arguments,
        )
        for path in setting.weights
    ]
    return [*trained, *given]
