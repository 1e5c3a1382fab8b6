"""What the paper says of depth on CIFAR-10, judged (He et al. 2016, Table 6, §4.2)."""

from typing import Literal

from reslab.analysis.depth_verdict import FinalErrors, compare_depths
from reslab.analysis.statistics import Difference, compare_means, predict_mean, summarise
from reslab.networks.catalogue import CIFAR_DEPTHS, cifar_name, find_network
from reslab.networks.complexity import describe_network
from reslab.runs.directory import RunDirectory
from reslab.studies.evidence import Evidence
from reslab.studies.families import FAMILIES, Family
from reslab.studies.final_errors import points
from reslab.studies.findings import Claim, judge_claim
from reslab.studies.judging import judge_lower, judge_within
from reslab.studies.published import TABLE_6, PublishedNumber
from reslab.studies.setting import StudySetting
from reslab.training.recipe import WarmUp

OVERFITTING_DEPTH = 1202
WARMED_DEPTH = 110
COLD_LABEL = f"{cifar_name('resnet', WARMED_DEPTH)}, no warm-up"
STARTED_PCT = WarmUp().until_train_error_pct

PUBLISHED_MILLIONS = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7, 1202: 19.4}
"""Parameters as Table 6 prints them."""
PUBLISHED_RUNS = {"resnet110": (6.61, 5)}
"""Where Table 6 gives the mean of several runs beside the best: the mean and how many."""
WIDEST = 1.0
"""Half-width in points beyond which an interval decides nothing about a published error."""
SIMILAR = 0.5
"""Points within which two test errors count as similar; chosen before any was measured."""

Standing = Literal["agrees", "lower", "higher", "undecided"]


def count_network(depth: int) -> tuple[int, int]:
    """Parameters and multiply-adds of a residual net of Table 6 at the paper's size.

    By formula from the nets of n=1 and n=2: each further block of a stage costs the same.
    """
    one, two = (describe_network(find_network(cifar_name("resnet", d))) for d in (8, 14))
    further = (depth - 8) // 6
    return (
        one.params + further * (two.params - one.params),
        one.macs + further * (two.macs - one.macs),
    )


def errors_at(evidence: Evidence, family: Family, depth: int) -> FinalErrors | None:
    """A net's errors where the study trained it and not every seed diverged."""
    label = cifar_name(FAMILIES[family], depth)
    if label not in evidence.labels:
        return None
    errors = evidence.final_errors(label)
    return errors if errors.test_error_pct else None


def _untested(statement: str, where: str, evidence: str) -> Claim:
    return Claim(
        statement=statement, where=where, verdict="not tested at this budget", evidence=evidence
    )


def judge_depth(setting: StudySetting, evidence: Evidence) -> Claim:
    """The shallowest residual net against the deepest of at most 110 layers."""
    statement = "The test error of residual nets falls with depth, up to 110 layers."
    found = [errors_at(evidence, "residual", d) for d in sorted(setting.depths)]
    nets = [e for e in found if e is not None and e.depth <= WARMED_DEPTH]
    if len(nets) < 2:
        return _untested(statement, "Table 6", "Residual nets of fewer than two depths ended.")
    shallow, deep = nets[0], nets[-1]
    change = compare_means(shallow.test_error_pct, deep.test_error_pct)
    return Claim(
        statement=statement,
        where="Table 6",
        verdict=judge_lower(change, tested=not setting.is_too_short),
        evidence=f"From {shallow.depth} to {deep.depth} layers the test error of residual nets "
        f"changes by {points(change)} points on {setting.data}.",
    )


def judge_families(setting: StudySetting, evidence: Evidence) -> Claim:
    """Residual against plain at the deepest depth that both have."""
    statement = "A deep residual net errs less on the test data than the plain net beside it."
    pairs = [
        (plain, residual)
        for depth in sorted(setting.depths)
        if (plain := errors_at(evidence, "plain", depth)) is not None
        and (residual := errors_at(evidence, "residual", depth)) is not None
    ]
    if not pairs:
        return _untested(statement, "Fig. 6", "No depth has both a plain and a residual net.")
    plain, residual = pairs[-1]
    change = compare_means(plain.test_error_pct, residual.test_error_pct)
    return Claim(
        statement=statement,
        where="Fig. 6",
        verdict=judge_lower(change, tested=not setting.is_too_short),
        evidence=f"At {plain.depth} layers shortcuts change the test error by {points(change)} "
        "points.",
    )


def place_number(errors: tuple[float, ...], number: PublishedNumber) -> tuple[Difference, Standing]:
    """Where runs like ours fall, and how the published error lies to them."""
    value, runs = PUBLISHED_RUNS.get(number.label, (number.value, 1))
    interval = predict_mean(errors, runs)
    if interval.low is None or interval.high is None or interval.high - interval.low > 2 * WIDEST:
        return interval, "undecided"
    if interval.low > value:
        return interval, "higher"
    return interval, "lower" if interval.high < value else "agrees"


def judge_numbers(setting: StudySetting, evidence: Evidence) -> list[Claim]:
    """Each line of Table 6; a verdict only at the paper's own setting."""
    return [_judge_number(setting, evidence, number) for number in TABLE_6]


def _judge_number(setting: StudySetting, evidence: Evidence, number: PublishedNumber) -> Claim:
    depth = int(number.label.removeprefix("resnet"))
    value, runs = PUBLISHED_RUNS.get(number.label, (number.value, 1))
    statement = f"ResNet-{depth} reaches a test error of {value} %."
    errors = errors_at(evidence, "residual", depth)
    if errors is None or not setting.follows_paper:
        reason = "Takes the paper's recipe on CIFAR-10, 64,000 steps: --data cifar10 --budget paper"
        return _untested(statement, number.where, f"{reason} --depths {depth}.")
    interval, standing = place_number(errors.test_error_pct, number)
    ours = summarise(errors.test_error_pct)
    return Claim(
        statement=statement,
        where=number.where,
        verdict=judge_claim(holds=standing != "higher", tested=standing != "undecided"),
        evidence=f"Here {ours.to_text()} % over {ours.n} seeds, best {ours.best:.2f}"
        f"{_words_of(interval, runs)}.",
    )


def _words_of(interval: Difference, runs: int) -> str:
    if interval.low is None or interval.high is None:
        return "; one seed gives no interval"
    what = "one more run" if runs == 1 else f"the mean of {runs} more runs"
    return f"; {what} would fall between {interval.low:.2f} and {interval.high:.2f} % (95 %)"


def judge_1202(setting: StudySetting, evidence: Evidence) -> Claim:
    """ResNet-1202 against ResNet-110: overfitting, if the depth verdict says so."""
    statement = (
        "1202 layers train to under 0.1 % and are worse than 110 on the test data: overfitting."
    )
    shallow = errors_at(evidence, "residual", WARMED_DEPTH)
    deep = errors_at(evidence, "residual", OVERFITTING_DEPTH)
    if shallow is None or deep is None:
        reason = "Takes --depths 110,1202, which --budget paper trains."
        return _untested(statement, "§4.2, Table 6", reason)
    change = compare_depths(shallow, deep)
    train = summarise(deep.train_error_pct)
    return Claim(
        statement=statement,
        where="§4.2, Table 6",
        verdict=judge_claim(
            holds=change.verdict == "overfitting" and train.mean < 0.1,
            tested=not setting.is_too_short and change.verdict != "cannot tell",
        ),
        evidence=f"The training error of 1202 layers is {train.to_text()} %; from 110 to 1202 the "
        f"training error changes by {points(change.train)} points and the test error by "
        f"{points(change.test)}: {_VERDICT_WORDS.get(change.verdict, change.verdict)}.",
    )


_VERDICT_WORDS = {"none": "no harm seen"}


def steps_to_start(evidence: Evidence, label: str) -> tuple[int, ...]:
    """Steps until each seed's running training error was below the warm-up's bound; else all."""

    def of(folder: RunDirectory, steps: int) -> int:
        records = [r for r in folder.read_metrics() if "running_train_error_pct" in r]
        below = [r["step"] for r in records if r["running_train_error_pct"] < STARTED_PCT]
        return min(below, default=steps)

    return tuple(of(RunDirectory(r.folder), r.config.recipe.steps) for r in evidence.of(label))


def judge_warm_up(setting: StudySetting, evidence: Evidence) -> tuple[Claim, Claim]:
    """ResNet-110 without the slow start: late to learn, as good in the end."""
    slow = f"At a rate of 0.1 from the start, ResNet-{WARMED_DEPTH} is slower to start learning."
    same = "It reaches a similar accuracy all the same."
    warm = errors_at(evidence, "residual", WARMED_DEPTH)
    cold = evidence.final_errors(COLD_LABEL) if COLD_LABEL in evidence.labels else None
    if warm is None or cold is None or not cold.test_error_pct:
        reason = f"Takes --depths {WARMED_DEPTH}, which --budget paper trains both ways."
        return _untested(slow, "§4.2, footnote", reason), _untested(same, "§4.2, footnote", reason)
    labels = (cifar_name("resnet", WARMED_DEPTH), COLD_LABEL)
    start = compare_means(*(steps_to_start(evidence, label) for label in labels))
    end = compare_means(warm.test_error_pct, cold.test_error_pct)
    tested = not setting.is_too_short
    return (
        Claim(
            statement=slow,
            where="§4.2, footnote",
            verdict=judge_claim(
                holds=start.is_higher, tested=tested and (start.is_higher or start.is_lower)
            ),
            evidence=f"Without warm-up the training error first falls below {STARTED_PCT:.0f} % "
            f"after {points(start)} steps more than with it.",
        ),
        Claim(
            statement=same,
            where="§4.2, footnote",
            verdict=judge_within(end, SIMILAR, tested=tested),
            evidence=f"Without warm-up the test error changes by {points(end)} points; similar "
            f"means at most {SIMILAR} more.",
        ),
    )


def judge_sizes() -> Claim:
    """The parameters of Table 6, counted."""
    counted = {depth: count_network(depth)[0] / 1e6 for depth in CIFAR_DEPTHS}
    words = ", ".join(f"{depth}: {millions:.3g}" for depth, millions in counted.items())
    # Printed with two or three digits, so a count agrees if it is within one of the last.
    agree = all(
        abs(millions - PUBLISHED_MILLIONS[depth]) <= (0.1 if depth >= WARMED_DEPTH else 0.01)
        for depth, millions in counted.items()
    )
    return Claim(
        statement="The nets have 0.27, 0.46, 0.66, 0.85, 1.7 and 19.4 million parameters.",
        where="Table 6",
        verdict=judge_claim(holds=agree),
        evidence=f"Counted, in millions: {words}.",
    )
