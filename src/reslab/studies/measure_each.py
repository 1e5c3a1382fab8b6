"""The same measurement on every net of a study: those trained here, and those given as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reslab.studies.measuring import MeasureFunction, Measurement
from reslab.studies.setting import PlannedRun, StudySetting


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
            label=f"{Path(path).stem} (given)",
            function=function,
            weights=path,
            arguments=arguments,
        )
        for path in setting.weights
    ]
    return [*trained, *given]
