"""How does the error change with depth, up to 1202 layers? (Table 6, §4.2)."""

from dataclasses import replace

from reslab.analysis.depth_verdict import compare_depths
from reslab.analysis.statistics import Difference, compare_means, estimate_mean, summarise
from reslab.networks.catalogue import cifar_name
from reslab.networks.complexity import describe_network
from reslab.studies.charts import Chart, Line, LineStyle, Panel
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.final_errors import (
    chart_of_curves,
    list_common_limits,
    points,
    table_of_errors,
)
from reslab.studies.findings import Cell, Claim, Findings, Table, judge_claim
from reslab.studies.published import TABLE_6
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

OVERFITTING_DEPTH = 1202
MAX_SEEDS_1202 = 2
PART_STYLES: dict[str, LineStyle] = {"training": "dashed", "test": "bold"}
WARMED_DEPTH = 110


@register_study
class Depth(Study):
    """Residual nets of 20 to 1202 layers, plain ones beside them to 110."""

    name = "depth"
    question = "Does the error of residual nets fall with depth, and where does that end?"
    where = "Table 6, §4.2"
    refuted_by = (
        "residual nets whose test error does not fall from 20 to 110 layers, means outside the "
        "interval of the published ones, or a 1202-layer net that does not overfit"
    )
    published = TABLE_6

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:  # noqa: ARG002
        """Table 6 at the paper's budget."""
        return (20, 32, 44, 56, 110, 1202) if budget == "paper" else (20, 56)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """Both families; 110 with and without warm-up; 1202 residual only, of two seeds."""
        depths = tuple(d for d in setting.depths if d != OVERFITTING_DEPTH)
        runs = plan_families(replace(setting, depths=depths))
        if WARMED_DEPTH in depths:
            label = f"{cifar_name('resnet', WARMED_DEPTH)}, no warm-up"
            name = cifar_name("resnet", WARMED_DEPTH)
            runs += setting.plan_seeds(name, label=label, warm_up=None)
        if OVERFITTING_DEPTH in setting.depths:
            few = replace(setting, seeds=min(setting.seeds, MAX_SEEDS_1202))
            runs += few.plan_seeds(cifar_name("resnet", OVERFITTING_DEPTH))
        return runs

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare depths with each other and with Table 6."""
        tested = not setting.is_too_short
        claims = (
            _judge_depth(setting, evidence, tested=tested),
            *_judge_numbers(setting, evidence),
            *_judge_1202(evidence, tested=tested),
            *_judge_warm_up(evidence, tested=tested),
        )
        residual = [label for label in evidence.labels if label.startswith("resnet")]
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(
                table_of_errors(evidence, setting, self.published),
                _table_of_sizes(evidence),
            ),
            charts=(
                _chart(evidence, setting),
                chart_of_curves(
                    evidence,
                    {"residual nets": residual},
                    name="figure-6-residual-nets",
                    caption="Residual nets, as Fig. 6 (middle and right).",
                ),
            ),
            limits=tuple(list_common_limits(evidence, setting)),
        )


def _residual_labels(evidence: Evidence) -> dict[int, str]:
    """Residual nets with the paper's recipe that ended with an error, by depth."""
    return {
        run.result.depth: run.label
        for run in evidence.runs
        if run.result.family == "residual"
        and "warm-up" not in run.label
        and evidence.final_errors(run.label).test_error_pct
    }


def _judge_depth(setting: StudySetting, evidence: Evidence, *, tested: bool) -> Claim:
    labels = _residual_labels(evidence)
    depths = sorted(d for d in labels if d <= max(WARMED_DEPTH, min(labels, default=0)))
    statement = "The test error of residual nets falls with depth, up to 110 layers."
    if len(depths) < 2:
        return Claim(
            statement=statement,
            where="Table 6",
            verdict="not tested at this budget",
            evidence="Residual nets of fewer than two depths were trained.",
        )
    shallow, deep = (evidence.final_errors(labels[d]) for d in (depths[0], depths[-1]))
    change = compare_means(shallow.test_error_pct, deep.test_error_pct)
    return Claim(
        statement=statement,
        where="Table 6",
        verdict=judge_claim(holds=change.is_lower, tested=tested and change.low is not None),
        evidence=f"From {depths[0]} to {depths[-1]} layers the test error of residual nets changes "
        f"by {points(change)} points on {setting.data}.",
    )


def _judge_numbers(setting: StudySetting, evidence: Evidence) -> list[Claim]:
    """Each published error beside our interval; only at the paper's own setting."""
    if not setting.follows_paper:
        return []
    claims = []
    for number in TABLE_6:
        if number.label not in evidence.labels:
            continue
        ours = evidence.final_errors(number.label).test_error_pct
        interval = estimate_mean(ours)
        claims.append(
            Claim(
                statement=f"{number.label} has a test error of {number.value} %.",
                where=number.where,
                verdict=judge_claim(
                    holds=_contains(interval, number.value), tested=interval.low is not None
                ),
                evidence=f"Ours is {summarise(ours).to_text()} % over {len(ours)} seeds, best "
                f"{min(ours):.2f}; 95 % interval of the mean {points(interval)}.",
            )
        )
    return claims


def _contains(interval: Difference, value: float) -> bool:
    return (
        interval.low is not None
        and interval.high is not None
        and interval.low <= value <= interval.high
    )


def _judge_1202(evidence: Evidence, *, tested: bool) -> list[Claim]:
    labels = _residual_labels(evidence)
    if not {WARMED_DEPTH, OVERFITTING_DEPTH} <= labels.keys():
        return []
    comparison = compare_depths(
        evidence.final_errors(labels[WARMED_DEPTH]),
        evidence.final_errors(labels[OVERFITTING_DEPTH]),
    )
    train = summarise(evidence.final_errors(labels[OVERFITTING_DEPTH]).train_error_pct)
    return [
        Claim(
            statement="1202 layers train to under 0.1 %, and overfit: worse than 110 on the test "
            "set.",
            where="§4.2, Table 6",
            verdict=judge_claim(
                holds=comparison.verdict == "overfitting" and train.mean < 0.1,
                tested=tested and comparison.train.low is not None,
            ),
            evidence=f"Its training error is {train.to_text()} %; from 110 to 1202 layers the test "
            f"error changes by {points(comparison.test)} points, the training error by "
            f"{points(comparison.train)}: {comparison.verdict}.",
        )
    ]


def _judge_warm_up(evidence: Evidence, *, tested: bool) -> list[Claim]:
    warmed = cifar_name("resnet", WARMED_DEPTH)
    cold = f"{warmed}, no warm-up"
    if cold not in evidence.labels:
        return []
    a, b = (evidence.final_errors(label).test_error_pct for label in (warmed, cold))
    if not a or not b:
        return []
    change = compare_means(a, b)
    early = [_early_error(evidence, label) for label in (warmed, cold)]
    return [
        Claim(
            statement="Without warm-up 110 layers start slowly, and end about as well.",
            where="§4.2, footnote 5",
            verdict=judge_claim(
                holds=not change.is_higher and early[1] > early[0],
                tested=tested and change.low is not None,
            ),
            evidence=f"A twentieth into the run the training error is {early[0]:.1f} % with and "
            f"{early[1]:.1f} % without warm-up; the final test error changes by {points(change)} "
            "points.",
        )
    ]


def _early_error(evidence: Evidence, label: str) -> float:
    curve = evidence.curves(label).train
    return curve.mean[min(len(curve.mean) - 1, max(0, len(curve.mean) // 20))]


def _table_of_sizes(evidence: Evidence) -> Table:
    configs = {run.label: run.config.network for run in evidence.runs}
    rows: list[tuple[Cell, ...]] = []
    for label, config in configs.items():
        network = describe_network(config)
        rows.append((label, network.weighted_layers, network.params, f"{network.macs / 1e6:,.1f}"))
    return Table(
        title="Depth and size",
        columns=("network", "layers", "parameters", "macs, millions"),
        rows=tuple(rows),
        note="A plain net and the residual net of its depth have the same parameters.",
    )


def _chart(evidence: Evidence, setting: StudySetting) -> Chart:
    lines = []
    for i, family in enumerate(("plain", "residual")):
        labels = {
            run.result.depth: run.label
            for run in evidence.runs
            if run.result.family == family and "warm-up" not in run.label
        }
        for part, style in PART_STYLES.items():
            line = _line(evidence, labels, part)
            lines.append(replace(line, label=f"{family}, {part}", colour=i, style=style))
    if setting.data == "cifar10":
        depths = tuple(float(p.label.removeprefix("resnet")) for p in TABLE_6)
        values = tuple(p.value for p in TABLE_6)
        lines.append(Line(label="Table 6, test", x=depths, y=values, colour=2, style="points"))
    return Chart(
        name="error-against-depth",
        caption="Final errors against depth; mean over the seeds, band from the lowest to the "
        "highest.",
        panels=(
            Panel(
                x_label="layers",
                y_label="error (%)",
                marks=tuple(lines),
                log_x=OVERFITTING_DEPTH in setting.depths,
            ),
        ),
    )


def _line(evidence: Evidence, labels: dict[int, str], part: str) -> Line:
    points_at: dict[int, tuple[float, ...]] = {}
    for depth in sorted(labels):
        errors = evidence.final_errors(labels[depth])
        values = errors.train_error_pct if part == "training" else errors.test_error_pct
        if values:
            points_at[depth] = values
    return Line(
        label=part,
        x=tuple(map(float, points_at)),
        y=tuple(sum(values) / len(values) for values in points_at.values()),
        low=tuple(min(values) for values in points_at.values()),
        high=tuple(max(values) for values in points_at.values()),
    )
