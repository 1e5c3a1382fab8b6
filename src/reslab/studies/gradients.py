"""Do signals vanish in deep plain nets? Forward responses and backward gradients (§4.1)."""

from collections.abc import Sequence

from reslab.analysis.signals import measure_signals, measure_trained_signals
from reslab.analysis.statistics import summarise
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.findings import Claim, ClaimVerdict, Findings
from reslab.studies.gradients_claims import judge_signals
from reslab.studies.gradients_decades import Situation, list_situations
from reslab.studies.gradients_views import list_charts, table_of_signals
from reslab.studies.measure_each import measure_each
from reslab.studies.measuring import Measurement
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

IMAGES = 128
MOMENTS = 4
MAX_SEEDS = 5
FOLLOWED_SHARE = 0.25
"""Of a run's steps, how far it is followed,"""
MOST_STEPS = 2_000
"""at most so far,"""
MOST_STEPS_IF_SHORT = 20
"""and only so far where the whole run would say nothing of trained nets either."""


@register_study
class Gradients(Study):
    """Strength of responses and of their gradients, layer by layer, while training."""

    name = "gradients"
    question = "Is it vanishing gradients that keep deep plain nets from learning?"
    where = "§4.1"
    refuted_by = (
        "a plain net with BN in which the gradient at the first layers is under a thousandth of "
        "that at the last, or some layer's response under a thousandth of what BN starts it at"
    )
    takes_weights = True

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:
        """The paper's deepest plain net too, where a CPU trains it within minutes or the budget."""
        if budget == "smoke":
            return (8, 14)
        return (20, 56, 110) if data == "digits" or budget == "paper" else (20, 56)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:  # noqa: ARG002
        """None: the first part of each run is followed while measuring."""
        return []

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:
        """Each net at a few moments of its first steps; given nets as they are."""
        arguments = {"at_steps": list_moments(setting), "images": IMAGES}
        followed = [
            Measurement(
                label=run.label,
                function=measure_signals,
                run=run.config,
                trained=False,
                seed=run.config.seed,
                arguments=arguments,
            )
            for run in plan_families(setting)
            if run.config.seed < MAX_SEEDS
        ]
        return [*followed, *measure_each(measure_trained_signals, setting, [], images=IMAGES)]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Set what is left of each signal against the criterion."""
        situations = list_situations(evidence.measured)
        claims = judge_signals(situations, too_short=setting.is_too_short)
        return Findings(
            answer=_answer(claims, situations),
            claims=claims,
            tables=(table_of_signals(situations, IMAGES),),
            charts=tuple(list_charts(situations)),
            limits=tuple(_list_limits(setting)),
        )


def list_moments(setting: StudySetting) -> tuple[int, ...]:
    """The steps at which a run's signals are looked at; 0 is the net as initialised."""
    most = MOST_STEPS_IF_SHORT if setting.is_too_short else MOST_STEPS
    last = max(1, min(most, round(setting.steps * FOLLOWED_SHARE)))
    return tuple(sorted({round(last * i / (MOMENTS - 1)) for i in range(MOMENTS)}))


def _answer(claims: Sequence[Claim], situations: Sequence[Situation]) -> str:
    forward, start, training, relative, healthy = claims
    named = {
        "responses": forward,
        "gradients as initialised": start,
        "gradients while training": training,
        "gradients while training in proportion to the response": relative,
    }
    verdicts = {claim.verdict for claim in named.values()}
    words = ["Cannot tell from this."]
    if forward.verdict == relative.verdict == "reproduced":
        words = ["No."]
    elif "not reproduced" in verdicts:
        words = ["Perhaps, in some."]
    for verdict, text in _WORDS.items():
        names = [name for name, claim in named.items() if claim.verdict == verdict]
        words += [f"{text}: {'; '.join(names)}."] if names else []
    if healthy.verdict == "not reproduced":
        words.append(f"As initialised, gradients explode. {healthy.evidence}")
    return " ".join([*words, _compare_losses(situations)]).strip()


_WORDS: dict[ClaimVerdict, str] = {
    "reproduced": "In plain nets these do not vanish",
    "not reproduced": "In some plain net these do vanish",
    "not tested at this budget": "Untested or undecided",
}


def _compare_losses(situations: Sequence[Situation]) -> str:
    """How far each net has learned at the last moment: the nets that fail, and their signals."""
    steps = [s.step for s in situations if s.step is not None]
    last = [s for s in situations if s.step == max(steps, default=0) and s.step]
    losses = [
        f"{s.label} {summarise([moment['loss'] for moment in s.moments]).to_text()}" for s in last
    ]
    return f"Losses at step {max(steps):,}: {', '.join(losses)}." if losses else ""


def _list_limits(setting: StudySetting) -> list[str]:
    if not setting.seeds:
        return ["Given nets as they ended; how they trained is not looked at."]
    last, seeds = list_moments(setting)[-1], min(setting.seeds, MAX_SEEDS)
    limits = [
        f"Followed over the first {last:,} of {setting.steps:,} steps with {seeds} seeds; what "
        "comes after is not looked at.",
        "The criterion for gradients was set before measuring. That for responses was, before, the "
        "last layers' over the first's: it took first layers that had grown for last layers that "
        "had vanished, and was replaced by the weakest layer's. Both are in the table.",
    ]
    if setting.is_too_short:
        limits.append("Too few steps to speak of training: only the start is judged.")
    return limits
