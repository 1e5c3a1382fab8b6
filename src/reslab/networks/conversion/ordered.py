"""CIFAR checkpoints under any names, whose tensors come in the order of the forward pass.

Tensors are matched by position; a name's last part (`weight`, `running_var`, …) must agree, and the
strict check of shapes follows as for every origin.
"""

from collections.abc import Mapping

from torch import Tensor

from reslab.errors import WeightsError
from reslab.networks.config import NetworkConfig
from reslab.networks.conversion.inference import expected_tensors, fit_network
from reslab.networks.conversion.origins import Origin, Translation
from reslab.networks.conversion.plain import explain_network, require_network
from reslab.networks.conversion.source import Source
from reslab.networks.geometry import ImageGeometry

COUNTER = "num_batches_tracked"
_ROLES = ("weight", "bias", "running_mean", "running_var", COUNTER)


def _translate(source: Source, network: NetworkConfig | str | None) -> Translation:
    if not source.keeps_order:
        raise WeightsError(
            f"{source.file} is a safetensors file, which does not keep the order of its tensors: "
            "--from ordered needs the checkpoint as PyTorch saved it (.pth, .pt or .th)"
        )
    # The name alone gives the order; classes and channels are then read off the matched tensors.
    asked = require_network(source, network, "ordered")
    names = _match(_ordered_names(fit_network(asked, {}), source), source.tensors)
    state_dict = {ours: source.tensors[theirs] for ours, theirs in names.items()}
    config = fit_network(asked, state_dict)
    return Translation(
        config=config,
        state_dict=state_dict,
        names=names,
        geometry=ImageGeometry(resize=config.input_size, crop=config.input_size),
        choices={"names": "matched by order and shape", **explain_network(config)},
        hint=_explain_depth(config, source),
    )


def _ordered_names(config: NetworkConfig, source: Source) -> list[str]:
    names = list(expected_tensors(config, len(source.tensors), str(source.file)))
    if any(_role(name) == COUNTER for name in source.tensors):
        return names
    return [name for name in names if _role(name) != COUNTER]


def _explain_depth(config: NetworkConfig, source: Source) -> str:
    theirs = sum(tensor.dim() == 4 for tensor in source.tensors.values())
    expected = expected_tensors(config, len(source.tensors), str(source.file))
    ours = sum(tensor.dim() == 4 for tensor in expected.values())
    if theirs != ours:
        return (
            f"another depth, or projections: the file has {theirs} convolutions, {config.name} "
            f"with shortcut {config.shortcut!r} has {ours}"
        )
    return (
        "its tensors come in another order, or with another width, number of classes or shortcut: "
        "see where the names and shapes part"
    )


def _match(ours: list[str], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    pairs = zip(ours, tensors, strict=False)
    matched = {our: their for our, their in pairs if _roles_agree(our, their)}
    partners = set(matched.values())
    left_over = [name for name in tensors if name not in partners]
    # What finds no partner takes no name of ours, so that the strict check lists it.
    unmatched = {name if name not in ours else f"{name} (left over)": name for name in left_over}
    return {**matched, **unmatched}


def _roles_agree(ours: str, theirs: str) -> bool:
    return _role(theirs) not in _ROLES or _role(theirs) == _role(ours)


def _role(name: str) -> str:
    return name.rsplit(".", 1)[-1]


ORDERED = Origin(
    name="ordered",
    description="any CIFAR checkpoint whose tensors come in forward order",
    recognises=lambda source: False,  # noqa: ARG005
    translate=_translate,
)
