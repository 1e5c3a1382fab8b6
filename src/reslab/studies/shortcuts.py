"""What are shortcuts A, B and C, and what does each cost and gain? (Table 3, §3.3, §4.1)."""

from dataclasses import replace
from itertools import combinations

from reslab.analysis.statistics import Difference, compare_means, summarise
from reslab.networks.catalogue import cifar_name, find_network
from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.studies.charts import Bars, Chart, Panel
from reslab.studies.evidence import Evidence
from reslab.studies.final_errors import (
    list_common_limits,
    points,
    table_of_errors,
)
from reslab.studies.findings import Cell, Claim, Findings, Table, judge_claim
from reslab.studies.published import PublishedNumber
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

OPTIONS = ("none", "A", "B", "C")
UNIT = "top-1 error %, 10-crop"
TABLE_3 = (
    PublishedNumber(label="plain34", value=28.54, unit=UNIT, where="Table 3"),
    PublishedNumber(label="resnet34 A", value=25.03, unit=UNIT, where="Table 3"),
    PublishedNumber(label="resnet34 B", value=24.52, unit=UNIT, where="Table 3"),
    PublishedNumber(label="resnet34 C", value=24.19, unit=UNIT, where="Table 3"),
)


@register_study
class Shortcuts(Study):
    """The same net with every kind of shortcut, and with none."""

    name = "shortcuts"
    question = "What are shortcuts A, B and C, and what does each cost and gain?"
    where = "Table 3, §3.3, §4.1"
    refuted_by = (
        "a net with shortcuts that errs no less than the plain one, or kinds of shortcut that "
        "differ by as much as having any"
    )
    published = TABLE_3

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:
        """One depth: where digits separate plain from residual nets, and what CIFAR affords."""
        if budget == "smoke":
            return (20,)
        return (56,) if data == "digits" or budget == "paper" else (20,)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """Each option at each depth; none and A are the nets of the other studies."""
        return [
            run
            for depth in setting.depths
            for option in OPTIONS
            for run in setting.plan_seeds(
                _network(setting, depth, option), label=label_of(depth, option)
            )
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare the options pairwise, at the first depth."""
        depth = setting.depths[0]
        changes = _compare_all(evidence, depth)
        tested = not setting.is_too_short and all(c.low is not None for c in changes.values())
        claims = (_judge_any(changes, tested=tested), _judge_kinds(changes, tested=tested))
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(
                _table_of_costs(setting),
                table_of_errors(evidence, setting),
                _table_of_changes(changes),
                _table_of_imagenet(),
            ),
            charts=(_chart(evidence, depth),),
            limits=(
                *list_common_limits(evidence, setting),
                "The ImageNet nets are counted here, not trained: their errors are the paper's.",
            ),
        )


def label_of(depth: int, option: str) -> str:
    """What a net is called here."""
    return f"{depth} layers, {'no shortcuts' if option == 'none' else f'option {option}'}"


def _network(setting: StudySetting, depth: int, option: str) -> NetworkConfig:
    if option == "none":
        return setting.plan_network(cifar_name("plain", depth))
    return setting.plan_network(cifar_name("resnet", depth), shortcut=option)


def _compare_all(evidence: Evidence, depth: int) -> dict[tuple[str, str], Difference]:
    """Change of the test error from each option to each later one."""
    errors = {o: evidence.final_errors(label_of(depth, o)).test_error_pct for o in OPTIONS}
    pairs = combinations([option for option in OPTIONS if errors[option]], 2)
    return {(a, b): compare_means(errors[a], errors[b]) for a, b in pairs}


def _judge_any(changes: dict[tuple[str, str], Difference], *, tested: bool) -> Claim:
    gains = {b: c for (a, b), c in changes.items() if a == "none"}
    words = "; ".join(f"{option} {points(change)}" for option, change in gains.items())
    return Claim(
        statement="All three options are considerably better than the plain net.",
        where="Table 3",
        verdict=judge_claim(
            holds=bool(gains) and all(c.is_lower for c in gains.values()), tested=tested
        ),
        evidence=f"Change of the test error against no shortcuts, in points: {words}.",
    )


def _judge_kinds(changes: dict[tuple[str, str], Difference], *, tested: bool) -> Claim:
    gain = max((-c.mean for (a, _), c in changes.items() if a == "none"), default=0.0)
    kinds = {pair: c for pair, c in changes.items() if "none" not in pair}
    largest = max((abs(c.mean) for c in kinds.values()), default=0.0)
    words = "; ".join(f"{a} to {b} {points(change)}" for (a, b), change in kinds.items())
    beyond = sum(c.is_lower or c.is_higher for c in kinds.values())
    return Claim(
        statement="The differences among A, B and C are small: projections are not essential.",
        where="§4.1, Table 3",
        verdict=judge_claim(holds=largest < gain / 3, tested=tested),
        evidence=f"Change of the test error, in points: {words}. {beyond} of {len(kinds)} "
        "differences exceed the seeds' spread.",
    )


def _describe(config: NetworkConfig) -> tuple[Cell, ...]:
    network = describe_network(config)
    shortcuts = network.shortcuts
    return (
        network.params,
        f"{network.macs / 1e6:,.1f}",
        shortcuts["identity"],
        shortcuts["projection"],
    )


COST_COLUMNS = ("parameters", "macs, millions", "identity shortcuts", "projections")


def _table_of_costs(setting: StudySetting) -> Table:
    return Table(
        title="What each option costs",
        columns=("network", *COST_COLUMNS),
        rows=tuple(
            (label_of(depth, option), *_describe(_network(setting, depth, option)))
            for depth in setting.depths
            for option in OPTIONS
        ),
        note="A: identity, with zeros for new channels. B: a projection where the dimensions "
        "change, identity elsewhere. C: projections everywhere.",
    )


def _table_of_changes(changes: dict[tuple[str, str], Difference]) -> Table:
    return Table(
        title="From one option to another",
        columns=("from", "to", "change of test error", "beyond the seeds' spread"),
        rows=tuple(
            (a, b, points(c), "yes" if c.is_lower or c.is_higher else "no")
            for (a, b), c in changes.items()
        ),
        note="Percentage points [95 % interval of Welch's t].",
    )


def _table_of_imagenet() -> Table:
    by_option = dict(zip(OPTIONS, TABLE_3, strict=True))

    def network(option: str) -> NetworkConfig:
        if option == "none":
            return find_network("plain34")
        config = find_network("resnet34", shortcut=option)
        return replace(config, name=by_option[option].label)

    return Table(
        title="The ImageNet nets of Table 3, counted",
        columns=("network", *COST_COLUMNS, "paper, top-1 error % (10-crop)"),
        rows=tuple(
            (by_option[option].label, *_describe(network(option)), by_option[option].value)
            for option in OPTIONS
        ),
        note="Counted by a pass of shapes through the network; errors as the paper prints them.",
    )


def _chart(evidence: Evidence, depth: int) -> Chart:
    options = [o for o in OPTIONS if evidence.final_errors(label_of(depth, o)).test_error_pct]
    parts = {
        "training": [evidence.final_errors(label_of(depth, o)).train_error_pct for o in options],
        "test": [evidence.final_errors(label_of(depth, o)).test_error_pct for o in options],
    }
    bars = []
    for i, (part, errors) in enumerate(parts.items()):
        bars.append(
            Bars(
                label=f"{part} error",
                names=tuple("no shortcuts" if o == "none" else o for o in options),
                values=tuple(summarise(values).mean for values in errors),
                low=tuple(min(values) for values in errors),
                high=tuple(max(values) for values in errors),
                colour=i,
            )
        )
    return Chart(
        name="shortcut-options",
        caption=f"Final errors with {depth} layers; mean over the seeds, bars from the lowest to "
        "the highest.",
        panels=(Panel(x_label="shortcut", y_label="error (%)", marks=tuple(bars)),),
    )
