"""A step recorded as a CUDA graph: one launch for the host where there were hundreds."""

from collections.abc import Callable

import torch

from reslab.errors import ConfigError
from reslab.training.session import TrainingSession

Step = Callable[[], None]


def settle_capture(session: TrainingSession, on_message: Callable[[str], None]) -> None:
    """Record the step where the run's configuration wants it; must precede the run's first step.

    Args:
        session: the run, at the step where it begins or goes on, compiled if it will be.
        on_message: told what was done, where there was a choice.

    Raises:
        ConfigError: if recording was asked for and is not possible here.
    """
    mode = session.config.execution.capture
    if mode == "never" or (mode == "auto" and session.device.type != "cuda"):
        return
    reason = None
    if not session.images.fixed_memory:
        reason = "its images are decoded while training"
    elif session.ranks.size > 1:
        reason = "several processes share it"
    if reason is not None:
        if mode == "always":
            raise ConfigError(
                f"the training step cannot be recorded: {reason}. Take --capture auto."
            )
        return
    try:
        session.take_steps_by(record)
    except RuntimeError as error:
        cause = str(error).strip().splitlines()[0]
        if mode == "always":
            raise ConfigError(
                f"the training step cannot be recorded: {cause}. Take --capture never."
            ) from error
        on_message(f"training step not recorded: {cause}")
        return
    if session.device.type == "cuda":
        on_message("training step recorded as a CUDA graph")


def record(step: Step, warm_up: Step, device: torch.device) -> Step:
    """A function that does what `step` does, without asking the host again.

    Args:
        step: works on fixed memory of the device alone and waits for nothing.
        warm_up: takes such steps, so that what is set up on first use is there, and leaves no
            trace of them.
        device: where. Only CUDA GPUs record; elsewhere the step itself is returned, warmed up.
    """
    if device.type != "cuda":
        warm_up()
        return step
    # On the stream of the recording, as autograd remembers on which one it first saw a parameter.
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        warm_up()
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        step()
    replay: Step = graph.replay
    return replay
