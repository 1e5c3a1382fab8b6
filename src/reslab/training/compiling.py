"""Whether `torch.compile` makes the training step: where it pays back within the run."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from reslab.errors import ConfigError
from reslab.networks.complexity import describe_network
from reslab.training.session import TrainingSession

# Of ResNet-20 on one core: eager time over compiled time was 1.05 to 1.06 with AVX-512, and a first
# compilation took a minute or more; with what an earlier one left on disk it takes 4 seconds.
GAIN = 1.05
COMPILE_SECONDS_PER_LAYER = 3.0
# What a core does in a training step, roughly. The decision must not hang on a clock: compiled and
# eager steps round differently, and the same run has to end with the same bits every time.
MACS_PER_CORE_SECOND = 25e9
COMPILERS = ("g++", "clang++", "cl")


@dataclass(frozen=True, kw_only=True)
class CompileChoice:
    """What was decided, and why."""

    compiled: bool
    reason: str
    compile_seconds: float | None = None
    """Time that compiling took, None where nothing was compiled."""

    def to_text(self) -> str:
        """The choice as a sentence for a log."""
        took = "" if self.compile_seconds is None else f", in {self.compile_seconds:.0f} s"
        return (
            f"training step {'compiled' if self.compiled else 'not compiled'}{took}: {self.reason}"
        )


def weigh(layers: int, steps_left: int, step_seconds: float) -> CompileChoice:
    """Compare what compiling is expected to save over the rest of a run with what it costs.

    Args:
        layers: weighted layers; the time to compile grows with them.
        steps_left: of the run.
        step_seconds: time of one eager step.
    """
    saves = steps_left * step_seconds * (1 - 1 / GAIN)
    costs = layers * COMPILE_SECONDS_PER_LAYER
    return CompileChoice(
        compiled=saves > costs,
        reason=(
            f"over {steps_left:,} steps of about {step_seconds:.2g} s it is expected to save "
            f"{saves:.0f} s and to cost {costs:.0f} s"
        ),
    )


def settle_compilation(
    session: TrainingSession, on_choice: Callable[[CompileChoice], None]
) -> None:
    """Decide once in a run, on all ranks alike, and compile; a resumed run goes on as it was.

    Args:
        session: the run, at the step where it begins or goes on.
        on_choice: told what was decided.

    Raises:
        ConfigError: if compiling was asked for and is not possible here.
    """
    choice = _choose(session)
    if choice is not None and choice.compiled:
        choice = _compile(session, choice)
    session.compiled = choice is not None and choice.compiled
    if choice is not None:
        on_choice(choice)


def _choose(session: TrainingSession) -> CompileChoice | None:
    """What to do, None where there is nothing to decide."""
    mode = session.config.execution.compile
    if session.ranks.count_sharers(session.config.recipe.batch_parts) > 1:
        if mode == "always":
            raise ConfigError(
                "a step whose processes synchronise BN statistics cannot be compiled: take "
                "--compile never, or --bn local"
            )
        return None
    if mode == "always":
        return CompileChoice(compiled=True, reason="as the configuration says")
    if mode == "never" or session.device.type != "cpu" or session.compiled is False:
        return None
    if session.compiled:
        return CompileChoice(compiled=True, reason="as before the checkpoint")
    if not any(shutil.which(compiler) for compiler in COMPILERS):
        return CompileChoice(compiled=False, reason="there is no C++ compiler")
    config = session.config
    network = describe_network(config.network)
    cores = config.execution.ranks * (config.execution.threads or 1)
    # Forward, gradients of the inputs, gradients of the weights.
    macs = 3 * network.macs * config.recipe.batch_size
    step_seconds = macs / (cores * MACS_PER_CORE_SECOND)
    return weigh(network.weighted_layers, config.recipe.steps - session.step, step_seconds)


def _compile(session: TrainingSession, choice: CompileChoice) -> CompileChoice:
    started = time.monotonic()
    try:
        session.compile()
    except RuntimeError as error:
        cause = str(error).strip().splitlines()[0]
        if session.config.execution.compile == "always":
            raise ConfigError(
                f"the training step cannot be compiled: {cause}. Take --compile never."
            ) from error
        return CompileChoice(compiled=False, reason=f"it could not be compiled: {cause}")
    return replace(choice, compile_seconds=time.monotonic() - started)
