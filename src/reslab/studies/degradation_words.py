"""The degradation study's answer in words."""

from reslab.analysis.depth_verdict import DepthComparison, Verdict
from reslab.analysis.statistics import summarise
from reslab.studies.evidence import Evidence
from reslab.studies.final_errors import percent
from reslab.studies.setting import MIN_EPOCHS, StudySetting


def explain(
    setting: StudySetting,
    evidence: Evidence,
    plain: DepthComparison | None,
    residual: DepthComparison | None,
) -> str:
    """The verdict in words, with the numbers that carry it."""
    if plain is None:
        return "Cannot tell: comparing depths takes nets of at least two."
    if setting.is_too_short:
        return _explain_too_short(setting, evidence)
    words = _Words(evidence, "plain", plain)
    sentence = _VERDICT_WORDS[plain.verdict].format(
        shallow=f"plain-{plain.shallow_depth}",
        deep=f"plain-{plain.deep_depth}",
        train_shallow=words.train(plain.shallow_depth),
        train_deep=words.train(plain.deep_depth),
        test_shallow=words.test(plain.shallow_depth),
        test_deep=words.test(plain.deep_depth),
    )
    return f"{sentence} {_explain_residual(evidence, residual)}".strip()


_VERDICT_WORDS: dict[Verdict, str] = {
    "degradation": (
        "Degradation, not overfitting: {deep} ends with a training error of {train_deep}, against "
        "{train_shallow} for {shallow}. A net that overfits fits its training data too well; this "
        "one fits its own training data worse."
    ),
    "overfitting": (
        "Overfitting: {deep} fits its training data no worse than {shallow} ({train_deep} against "
        "{train_shallow}), but errs more on the test data ({test_deep} against {test_shallow})."
    ),
    "none": (
        "No degradation: the training error of {deep} ({train_deep}) is not higher than that of "
        "{shallow} ({train_shallow}) by more than the seeds' spread."
    ),
    "cannot tell": (
        "Cannot tell: training error {train_deep} for {deep} and {train_shallow} for {shallow} do "
        "not support a verdict with these seeds."
    ),
}


class _Words:
    """Final errors of a family's nets as text, by depth."""

    def __init__(self, evidence: Evidence, family: str, change: DepthComparison) -> None:
        labels = {
            run.result.depth: run.label for run in evidence.runs if run.result.family == family
        }
        depths = (change.shallow_depth, change.deep_depth)
        self.errors = {depth: evidence.final_errors(labels[depth]) for depth in depths}

    def train(self, depth: int) -> str:
        return percent(summarise(self.errors[depth].train_error_pct))

    def test(self, depth: int) -> str:
        return percent(summarise(self.errors[depth].test_error_pct))


def _explain_too_short(setting: StudySetting, evidence: Evidence) -> str:
    errors = {label: evidence.final_errors(label).train_error_pct for label in evidence.labels}
    so_far = ", ".join(
        f"{percent(summarise(values))} for {label}" for label, values in errors.items() if values
    )
    return (
        f"Cannot tell yet: after {setting.steps:,} steps each training image has been seen "
        f"{setting.epochs:.1f} times, and a verdict takes at least {MIN_EPOCHS}. Training "
        f"error so far: {so_far}. This says how fast each net starts, not where it ends."
    )


def _explain_residual(evidence: Evidence, residual: DepthComparison | None) -> str:
    if residual is None:
        return ""
    words = _Words(evidence, "residual", residual)
    change = "is higher too"
    if not residual.train.is_higher:
        change = "is not higher by more than the seeds' spread"
    return (
        f"With shortcuts added, and nothing else changed, the deeper net's training error "
        f"{change}: {words.train(residual.deep_depth)} for resnet-{residual.deep_depth}, "
        f"{words.train(residual.shallow_depth)} for resnet-{residual.shallow_depth}."
        f"{_explain_gap(residual)}"
    )


def _explain_gap(comparison: DepthComparison) -> str:
    if comparison.verdict != "overfitting":
        return ""
    return (
        f" Its test error is higher by {comparison.test.mean:.1f} points all the same, which is "
        "overfitting."
    )
