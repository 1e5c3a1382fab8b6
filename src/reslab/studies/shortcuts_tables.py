"""The shortcut study's tables and chart."""

from reslab.analysis.statistics import summarise
from reslab.networks.catalogue import find_network
from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.studies.charts import Bars, Chart, Panel
from reslab.studies.evidence import Evidence
from reslab.studies.final_errors import points
from reslab.studies.findings import Cell, Table
from reslab.studies.setting import StudySetting
from reslab.studies.shortcuts_claims import Changes
from reslab.studies.shortcuts_options import BY_OPTION, OPTIONS, choose_network, label_of

COST_COLUMNS = ("parameters", "macs, millions", "identity shortcuts", "projections")


def _describe(config: NetworkConfig) -> tuple[Cell, ...]:
    network = describe_network(config)
    shortcuts = network.shortcuts
    return (
        network.params,
        f"{network.macs / 1e6:,.2f}",
        shortcuts["identity"],
        shortcuts["projection"],
    )


def table_of_costs(setting: StudySetting) -> Table:
    """Parameters, multiply-adds and shortcuts of the nets trained."""
    return Table(
        title="What each option costs",
        columns=("network", *COST_COLUMNS),
        rows=tuple(
            (label_of(depth, option), *_describe(choose_network(setting, depth, option)))
            for depth in setting.depths
            for option in OPTIONS
        ),
        note="A: identity, with zeros for new channels. B: a projection where the dimensions "
        "change, identity elsewhere. C: projections everywhere.",
    )


def table_of_changes(changes: Changes, depth: int) -> Table:
    """Every pair of options."""
    return Table(
        title=f"From one option to another, {depth} layers",
        columns=("from", "to", "change of test error", "beyond the seeds' spread"),
        rows=tuple(
            (_name(a), _name(b), points(c), "yes" if c.is_lower or c.is_higher else "no")
            for (a, b), c in changes.items()
        ),
        note="Percentage points [95 % interval of Welch's t], of each pair by itself.",
    )


def table_of_imagenet() -> Table:
    """ResNet-34 with each option, counted, beside the errors that the paper prints."""

    def network(option: str) -> NetworkConfig:
        if option == "none":
            return find_network("plain34")
        return find_network("resnet34", shortcut=option)

    return Table(
        title="The ImageNet nets of Table 3, counted",
        columns=("network", *COST_COLUMNS, "paper, top-1 error % (10-crop)"),
        rows=tuple(
            (number.label, *_describe(network(option)), number.value)
            for option, number in BY_OPTION.items()
        ),
        note="Sizes and multiply-adds counted here, for one image of 224×224; errors as the paper "
        "prints them.",
    )


def _name(option: str) -> str:
    return "no shortcuts" if option == "none" else option


def chart_of_options(evidence: Evidence, depth: int) -> Chart:
    """Final errors with each option, side by side."""
    options = [o for o in OPTIONS if evidence.final_errors(label_of(depth, o)).test_error_pct]
    parts = {
        "training": [evidence.final_errors(label_of(depth, o)).train_error_pct for o in options],
        "test": [evidence.final_errors(label_of(depth, o)).test_error_pct for o in options],
    }
    bars = [
        Bars(
            label=f"{part} error",
            names=tuple(map(_name, options)),
            values=tuple(summarise(values).mean for values in errors),
            low=tuple(min(values) for values in errors),
            high=tuple(max(values) for values in errors),
            colour=i,
        )
        for i, (part, errors) in enumerate(parts.items())
    ]
    return Chart(
        name="shortcut-options",
        caption=f"Final errors with {depth} layers; mean over the seeds, bars from the lowest to "
        "the highest.",
        panels=(Panel(x_label="shortcut", y_label="error (%)", marks=tuple(bars)),),
    )
