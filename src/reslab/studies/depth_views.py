"""The depth study's tables and chart."""

from collections.abc import Sequence
from statistics import median

from scipy.stats import binomtest

from reslab.analysis.statistics import estimate_mean, summarise
from reslab.networks.catalogue import CIFAR_DEPTHS, cifar_name
from reslab.networks.complexity import describe_network
from reslab.studies.charts import Chart, Line, LineStyle, Panel
from reslab.studies.depth_claims import (
    COLD_LABEL,
    PUBLISHED_MILLIONS,
    STARTED_PCT,
    WARMED_DEPTH,
    WIDEST,
    count_network,
    errors_at,
    place_number,
    steps_to_start,
)
from reslab.studies.evidence import Evidence
from reslab.studies.families import FAMILIES, Family
from reslab.studies.findings import Cell, Table
from reslab.studies.measuring import Measured
from reslab.studies.published import TABLE_6
from reslab.studies.setting import StudySetting

PART_STYLES: dict[str, LineStyle] = {"training": "dashed", "test": "bold"}
NUMBERS = {int(number.label.removeprefix("resnet")): number for number in TABLE_6}


def table_6(setting: StudySetting, evidence: Evidence) -> Table:
    """Table 6 line by line, whatever was trained of it, with the plain nets beside."""
    return Table(
        title="Table 6, line by line",
        columns=(
            "layers",
            "parameters here",
            "n",
            "best test error %",
            "test error %",
            "95 % interval",
            "paper",
            "to the paper",
            "plain net, test error %",
        ),
        rows=tuple(
            _line_of_table_6(setting, evidence, depth)
            for depth in sorted({*CIFAR_DEPTHS, *setting.depths})
        ),
        note="Residual nets with option A; mean ± standard deviation over n seeds, and Student's "
        "interval of the mean. The paper's numbers are of one run, at 110 layers the best of five "
        "with 6.61 ± 0.16 over all. “To the paper” sets them against the interval in which as many "
        f"further runs like ours would fall (95 %); wider than ±{WIDEST:g} point it decides "
        "nothing, and it is left out where data, steps or width are not the paper's.",
    )


def _line_of_table_6(setting: StudySetting, evidence: Evidence, depth: int) -> tuple[Cell, ...]:
    number = NUMBERS.get(depth)
    paper = number.value if number else None
    plain = errors_at(evidence, "plain", depth)
    beside = summarise(plain.test_error_pct).to_text() if plain else None
    errors = errors_at(evidence, "residual", depth)
    if errors is None:
        return (depth, None, 0, None, None, None, paper, "not trained", beside)
    ours = summarise(errors.test_error_pct)
    interval = estimate_mean(errors.test_error_pct)
    ends = "one seed"
    if interval.low is not None and interval.high is not None:
        ends = f"{interval.low:.2f} to {interval.high:.2f}"
    standing = None
    if number and setting.follows_paper:
        standing = place_number(errors.test_error_pct, number)[1]
    (run, *_) = evidence.of(cifar_name("resnet", depth))
    params = describe_network(run.config.network).params
    return (
        depth,
        params,
        ours.n,
        f"{ours.best:.2f}",
        ours.to_text(),
        ends,
        paper,
        standing,
        beside,
    )


def table_of_sizes() -> Table:
    """Table 6's nets counted, at the paper's size."""
    counted = {depth: count_network(depth) for depth in CIFAR_DEPTHS}
    return Table(
        title="Table 6's nets, counted",
        columns=("network", "layers", "parameters", "paper, millions", "macs, millions"),
        rows=tuple(
            (
                cifar_name("resnet", depth),
                f"6·{depth // 6}+2",
                params,
                PUBLISHED_MILLIONS[depth],
                f"{macs / 1e6:,.1f}",
            )
            for depth, (params, macs) in counted.items()
        ),
        note="At the paper's size, for one image of 32×32; a plain net has the same.",
    )


def table_of_warm_up(evidence: Evidence) -> tuple[Table, ...]:
    """ResNet-110 with and without warm-up; nothing where it was not trained."""
    if COLD_LABEL not in evidence.labels:
        return ()
    rows: list[tuple[Cell, ...]] = []
    for label in (cifar_name("resnet", WARMED_DEPTH), COLD_LABEL):
        errors, start = evidence.final_errors(label), steps_to_start(evidence, label)
        ended = bool(errors.test_error_pct)
        rows.append(
            (
                label,
                len(errors.test_error_pct),
                f"{median(start):,.0f} [{min(start):,}–{max(start):,}]",
                summarise(errors.train_error_pct).to_text() if ended else "diverged",
                summarise(errors.test_error_pct).to_text() if ended else "diverged",
            )
        )
    return (
        Table(
            title=f"ResNet-{WARMED_DEPTH} with and without warm-up",
            columns=(
                "network",
                "n",
                f"steps until under {STARTED_PCT:.0f} % training error",
                "training error %",
                "test error %",
            ),
            rows=tuple(rows),
            note="Median [range] of the steps over the seeds; a seed that never gets there counts "
            "with all its steps. Warm-up is a rate of 0.01 until that error, then 0.1.",
        ),
    )


def table_of_given(given: Sequence[Measured]) -> tuple[Table, ...]:
    """Errors of the nets given as files; nothing without any."""
    if not given:
        return ()
    train_images = given[0].values["train"]["n"]

    def row(net: Measured) -> tuple[Cell, ...]:
        train, test = net.values["train"], net.values["test"]
        ends = binomtest(test["wrong"], test["n"]).proportion_ci(method="wilson")
        is_published = net.values["family"] == "residual" and net.values["depth"] in NUMBERS
        return (
            net.label,
            net.values["depth"],
            f"{100 * train['wrong'] / train['n']:.2f}",
            f"{100 * test['wrong'] / test['n']:.2f}",
            f"{100 * ends.low:.2f} to {100 * ends.high:.2f}",
            NUMBERS[net.values["depth"]].value if is_published else None,
        )

    return (
        Table(
            title="Nets given as files",
            columns=(
                "network",
                "layers",
                "training error %",
                "test error %",
                "95 % interval",
                "paper",
            ),
            rows=tuple(row(net) for net in given),
            note=f"One net each, trained elsewhere; on {train_images:,} training images and on all "
            "test images. The interval (Wilson) is over test images, not over seeds, so these "
            "support no verdict on Table 6.",
        ),
    )


def chart_of_depths(evidence: Evidence, setting: StudySetting) -> Chart:
    """Final errors against depth, plain and residual, with Table 6 and given nets as points."""
    lines = [
        _line(evidence, setting, family, part, colour)
        for colour, family in enumerate(FAMILIES)
        for part in PART_STYLES
    ]
    if setting.data == "cifar10":
        lines.append(
            Line(
                label="Table 6, test",
                x=tuple(map(float, NUMBERS)),
                y=tuple(number.value for number in NUMBERS.values()),
                colour=2,
                style="points",
            )
        )
    for colour, family in enumerate(FAMILIES):
        nets = [net for net in evidence.measured if net.values["family"] == family]
        tests = [net.values["test"] for net in nets]
        lines.append(
            Line(
                label=f"{family}, given, test",
                x=tuple(float(net.values["depth"]) for net in nets),
                y=tuple(100 * test["wrong"] / test["n"] for test in tests),
                colour=colour,
                style="points",
            )
        )
    drawn = [line for line in lines if line.x]
    depths = [x for line in drawn for x in line.x]
    return Chart(
        name="error-against-depth",
        caption="Final errors against depth; mean over the seeds, band from the lowest to the "
        "highest.",
        panels=(
            Panel(
                x_label="layers",
                y_label="error (%)",
                marks=tuple(drawn),
                log_x=bool(depths) and max(depths) > 10 * min(depths),
            ),
        ),
    )


def _line(
    evidence: Evidence, setting: StudySetting, family: Family, part: str, colour: int
) -> Line:
    found = [errors_at(evidence, family, depth) for depth in sorted(setting.depths)]
    nets = [errors for errors in found if errors is not None]
    values = [e.train_error_pct if part == "training" else e.test_error_pct for e in nets]
    return Line(
        label=f"{family}, {part}",
        x=tuple(float(errors.depth) for errors in nets),
        y=tuple(summarise(v).mean for v in values),
        low=tuple(min(v) for v in values),
        high=tuple(max(v) for v in values),
        colour=colour,
        style=PART_STYLES[part],
    )
