"""The complete state of a run on disk: atomic, verified, and nothing that unpickles objects.

The order of the data and the augmentation are pure functions of seed and step, so step, weights,
momentum, the sums of the running error and PyTorch's random state are all there is.
"""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reslab.errors import CheckpointError, ConfigError, WeightsError
from reslab.files.documents import from_document
from reslab.files.tensors import read_tensors, write_tensors
from reslab.networks.weights import check_state_dict, describe_classifier
from reslab.training.schedule import Progress
from reslab.training.session import TrainingSession, Window

FORMAT = "reslab checkpoint 2"
KEPT = 2


@dataclass(frozen=True, kw_only=True)
class _Progress:
    """What a checkpoint says beside its tensors."""

    step: int
    progress: Progress
    compiled: bool | None
    window_steps: int
    elapsed_seconds: float


def save_checkpoint(session: TrainingSession, folder: Path, elapsed_seconds: float) -> Path:
    """Write the state as `step-N.safetensors` and drop all but the newest `KEPT`."""
    path = folder / f"step-{session.step:08d}.safetensors"
    document = {
        "format": FORMAT,
        "run_digest": session.config.digest,
        "step": session.step,
        "progress": asdict(session.progress),
        "compiled": session.compiled,
        "window_steps": session.window.steps,
        "elapsed_seconds": elapsed_seconds,
        **describe_classifier(session.classifier),
    }
    write_tensors(path, _collect_tensors(session), document)
    for old in list_checkpoints(folder)[KEPT:]:
        old.unlink()
    return path


def restore_shared(session: TrainingSession, folder: Path) -> tuple[float, list[str]]:
    """`restore_newest` on the first rank, and its state on the others, which read no file.

    Raises:
        CheckpointError: if a checkpoint is of another run.
        RankLostError: if a rank is lost.
    """
    found = session.ranks.tell(lambda: restore_newest(session, folder))
    if session.ranks.size == 1:
        return found
    tensors = _collect_tensors(session)
    session.ranks.copy_from_first(list(tensors.values()))
    torch.set_rng_state(tensors["random.torch"])
    session.step, session.progress, session.compiled, session.window.steps = session.ranks.tell(
        lambda: (session.step, session.progress, session.compiled, session.window.steps)
    )
    return found


def restore_newest(session: TrainingSession, folder: Path) -> tuple[float, list[str]]:
    """Bring a fresh session to the newest checkpoint that is whole.

    Returns:
        The seconds trained before it, and a sentence for each damaged checkpoint passed over.

    Raises:
        CheckpointError: if a checkpoint is of another run.
    """
    warnings = []
    for path in list_checkpoints(folder):
        try:
            tensors, document = read_tensors(path)
            _require_own(session, document, path)
            check_state_dict(_collect_tensors(session), tensors, str(path))
            _require_random_state(tensors, path)
            progress = _read_progress(document, session.config.recipe.steps, path)
        except WeightsError as error:
            warnings.append(f"{error}; going back to the checkpoint before it")
            continue
        _restore(session, tensors)
        session.step = progress.step
        session.progress = progress.progress
        session.compiled = progress.compiled
        session.window.steps = progress.window_steps
        return progress.elapsed_seconds, warnings
    return 0.0, warnings


def _require_own(session: TrainingSession, document: dict[str, Any], path: Path) -> None:
    if document.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} was written by another version of reslab (its format is "
            f"{document.get('format')!r:.40}, here {FORMAT!r}): go on with that version, or begin "
            "the run anew in another folder"
        )
    digest = str(document.get("run_digest"))
    if digest != session.config.digest:
        raise CheckpointError(
            f"{path} is a checkpoint of another run: its configuration has digest "
            f"{digest[:12]}, this run's {session.config.digest[:12]}"
        )


def _require_random_state(tensors: dict[str, Tensor], path: Path) -> None:
    try:
        torch.Generator().set_state(tensors["random.torch"])
    except (RuntimeError, TypeError) as error:
        raise WeightsError(f"{path} is damaged: it holds no state of random numbers") from error


def _read_progress(document: dict[str, Any], steps: int, path: Path) -> _Progress:
    known = {field.name: document.get(field.name) for field in fields(_Progress)}
    try:
        found = from_document(known, _Progress, str(path))
    except ConfigError as error:
        raise WeightsError(str(error)) from error
    if not 0 <= found.window_steps <= found.step <= steps or found.elapsed_seconds < 0:
        raise WeightsError(f"{path} is damaged: it claims step {found.step} of {steps}")
    return found


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, newest first."""
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def _collect_tensors(session: TrainingSession) -> dict[str, Tensor]:
    return {
        **session.classifier.state_dict(),
        **_collect_momentum(session),
        **_collect_average(session),
        "window.loss": session.window.loss,
        "window.wrong": session.window.wrong,
        "random.torch": torch.get_rng_state(),
    }


def _collect_momentum(session: TrainingSession) -> dict[str, Tensor]:
    state = session.optimizer.state
    return {
        # Zero before the first step, which is what SGD starts from.
        f"momentum.{name}": state[parameter].get("momentum_buffer", torch.zeros_like(parameter))
        for name, parameter in session.classifier.network.named_parameters()
        if parameter.requires_grad
    }


def _collect_average(session: TrainingSession) -> dict[str, Tensor]:
    tensors = {} if session.average is None else session.average.tensors
    return {f"average.{name}": tensor for name, tensor in tensors.items()}


def _restore(session: TrainingSession, tensors: dict[str, Tensor]) -> None:
    state = {name: tensors[name] for name in session.classifier.state_dict()}
    session.classifier.load_state_dict(state)
    for name, parameter in session.classifier.network.named_parameters():
        if not parameter.requires_grad:
            continue
        # Laid out in memory as its parameter, which the fused update is fast on.
        momentum = torch.empty_like(parameter).copy_(tensors[f"momentum.{name}"])
        session.optimizer.state[parameter]["momentum_buffer"] = momentum.detach()
    if session.average is not None:
        session.average.load({name: tensors[f"average.{name}"] for name in session.average.tensors})
    session.window = Window(
        loss=tensors["window.loss"].to(session.device),
        wrong=tensors["window.wrong"].to(session.device),
    )
    torch.set_rng_state(tensors["random.torch"])
