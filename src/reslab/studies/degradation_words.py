"""The degradation study in words: its question, its answer, what it can and cannot show."""

from reslab.analysis.depth_verdict import DepthComparison, Verdict
from reslab.analysis.statistics import Summary
from reslab.data.config import DATASET_SHAPES
from reslab.studies.degradation import (
    MIN_EPOCHS,
    DegradationPlan,
    DegradationResult,
    Family,
    NetworkErrors,
    plan_runs,
)
from reslab.training.recipe import BATCH_SIZE, PAPER_STEPS
from reslab.training.run_config import ExecutionConfig

QUESTION = "Do deeper plain nets get worse on their own training data, and do residual nets not?"


def explain(result: DegradationResult) -> str:
    """The verdict in words, with the numbers that carry it."""
    plain = result.plain
    if plain is None:
        return "Cannot tell: comparing depths takes nets of at least two."
    if result.plan.is_too_short:
        return _explain_too_short(result)
    shallow, deep = (_find(result, "plain", d) for d in (plain.shallow_depth, plain.deep_depth))
    sentence = _VERDICT_WORDS[result.verdict].format(
        shallow=f"plain-{shallow.depth}",
        deep=f"plain-{deep.depth}",
        train_shallow=_pct(shallow.train_error_pct),
        train_deep=_pct(deep.train_error_pct),
        test_shallow=_pct(shallow.test_error_pct),
        test_deep=_pct(deep.test_error_pct),
    )
    return f"{sentence} {_explain_residual(result)}"


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


def _explain_too_short(result: DegradationResult) -> str:
    so_far = ", ".join(
        f"{_pct(errors.train_error_pct)} for {errors.network}" for errors in result.networks
    )
    return (
        f"Cannot tell yet: after {result.plan.steps:,} steps each training image has been seen "
        f"{result.plan.epochs:.1f} times, and a verdict takes at least {MIN_EPOCHS}. Training "
        f"error so far: {so_far}. This says how fast each net starts, not where it ends."
    )


def _explain_residual(result: DegradationResult) -> str:
    residual = result.residual
    if residual is None:
        return ""
    shallow, deep = (
        _find(result, "residual", d) for d in (residual.shallow_depth, residual.deep_depth)
    )
    change = "is higher too"
    if not residual.train.is_higher:
        change = "is not higher by more than the seeds' spread"
    return (
        f"With shortcuts added, and nothing else changed, the deeper net's training error "
        f"{change}: {_pct(deep.train_error_pct)} for resnet-{deep.depth}, "
        f"{_pct(shallow.train_error_pct)} for resnet-{shallow.depth}.{_explain_gap(residual)}"
    )


def _explain_gap(comparison: DepthComparison) -> str:
    if comparison.verdict != "overfitting":
        return ""
    return (
        f" Its test error is higher by {comparison.test.mean:.1f} points all the same, which is "
        "overfitting."
    )


def _pct(summary: Summary) -> str:
    spread = "" if summary.std is None else f" ± {summary.std:.1f}"
    return f"{summary.mean:.1f}{spread} %"


def _find(result: DegradationResult, family: Family, depth: int) -> NetworkErrors:
    return next(n for n in result.networks if n.family == family and n.depth == depth)


def reproduce_command(plan: DegradationPlan) -> str:
    """The command that makes this study again."""
    width = "" if plan.width is None else f" --width {plan.width}"
    depths = ",".join(map(str, plan.depths))
    data = plan.data if plan.data == "digits" else f"{plan.data} --data-root DIR"
    return (
        f"reslab study degradation --data {data} --steps {plan.steps} --depths {depths} "
        f"--seeds {plan.seeds}{width}"
    )


def list_deviations(plan: DegradationPlan) -> list[str]:
    """In what this study differs from He et al. 2016, §4.2."""
    recipe = plan_runs(plan, ExecutionConfig())[0].recipe
    shape = DATASET_SHAPES[plan.data]
    deviations = []
    if plan.data == "digits":
        deviations += [
            f"{shape.train_count:,} grey images of 8×8 pixels to train on and {shape.test_count} "
            "to test, instead of CIFAR-10's 50,000 and 10,000 colour images of 32×32; the three "
            "stages work on maps of 8×8, 4×4 and 2×2."
        ]
    if plan.width not in (None, 16):
        deviations.append(f"{plan.width} filters in the first stage instead of 16.")
    if plan.steps != PAPER_STEPS:
        deviations.append(
            f"{plan.steps:,} steps instead of 64,000, the milestones in proportion "
            f"({' and '.join(f'{m:,}' for m in recipe.milestones)})."
        )
    if not recipe.crop_padding:
        deviations.append("No random crop, so each image is seen the same at every epoch.")
    if not recipe.flip:
        deviations.append("No mirroring, which would turn a digit into another sign.")
    return deviations


def list_limits(result: DegradationResult) -> list[str]:
    """What this study cannot show."""
    limits = []
    if result.plan.is_too_short:
        limits.append(
            f"Each training image has been seen {result.plan.epochs:.1f} times; the paper's budget "
            f"is {PAPER_STEPS * BATCH_SIZE / 50_000:.0f}. The curves show how fast each net starts "
            "to learn, not where it ends, and the errors are not to be compared with the paper's."
        )
    evaluated = plan_runs(result.plan, ExecutionConfig())[0].recipe.evaluation_images
    if evaluated is not None:
        limits.append(
            f"Errors are of {evaluated:,} images of the training set and at most as many of the "
            "test set, the same for every net: evaluating all of them would take longer than "
            "training this short."
        )
    if result.plan.seeds < 3:
        limits.append(f"{result.plan.seeds} seeds leave the intervals wide.")
    diverged = [f"{r.network} seed {r.seed}" for r in result.runs if r.state == "diverged"]
    if diverged:
        limits.append(f"Diverged (loss no longer a number): {', '.join(diverged)}.")
    return limits
