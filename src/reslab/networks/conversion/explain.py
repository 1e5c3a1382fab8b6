"""Why a state dict does not fit a network, guessed in words."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from reslab.errors import WeightsError
from reslab.networks.config import NetworkConfig
from reslab.networks.conversion.inference import count_blocks
from reslab.networks.weights import check_state_dict

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """A network's tensors against those found."""

    config: NetworkConfig
    expected: Shapes
    found: Shapes

    @property
    def missing(self) -> set[str]:
        """Names that the network has and the file has not."""
        return self.expected.keys() - self.found.keys()

    @property
    def unexpected(self) -> set[str]:
        """Names that the file has and the network has not."""
        return self.found.keys() - self.expected.keys()

    def differs(self, name: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Both shapes (network, file) of a tensor where they differ."""
        ours, theirs = self.expected.get(name), self.found.get(name)
        return (ours, theirs) if ours and theirs and ours != theirs else None


def require_fit(
    config: NetworkConfig,
    expected: Mapping[str, Tensor],
    found: Mapping[str, Tensor],
    origin: str,
    hint: str | None = None,
) -> None:
    """Make sure that every tensor finds its place with its shape.

    Args:
        config: the network.
        expected: its state dict, with or without data.
        found: the tensors of the file under reslab's names.
        origin: what the error names.
        hint: the likely cause, if it is known better than the names tell.

    Raises:
        WeightsError: listing what is missing, unexpected and mis-shaped, with the likely cause.
    """
    try:
        check_state_dict(expected, found, origin)
    except WeightsError as error:
        mismatch = Mismatch(
            config=config,
            expected={name: tuple(tensor.shape) for name, tensor in expected.items()},
            found={name: tuple(tensor.shape) for name, tensor in found.items()},
        )
        causes = [hint] if hint else explain_mismatch(mismatch)
        likely = f". Likely cause: {'; '.join(causes)}" if causes else ""
        raise WeightsError(f"{error} ({config.name}){likely}") from error


def explain_mismatch(mismatch: Mismatch) -> list[str]:
    """Guess the causes of a mismatch; a wrong set of names explains everything else."""
    if names := list(_explain_names(mismatch)):
        return names
    return [cause for explain in _CAUSES for cause in explain(mismatch)]


def _explain_names(mismatch: Mismatch) -> Iterator[str]:
    first_parts = {name.split(".")[0] for name in mismatch.found}
    if any(name.startswith(("resnet.embedder", "resnet.encoder")) for name in mismatch.found):
        yield (
            "these are Hugging Face's names: convert the folder that holds config.json, "
            "with --from hugging-face"
        )
    elif len(first_parts) == 1 and len(mismatch.found) > 1:
        prefix = f"{first_parts.pop()}."
        wrapper = {"module.": ", left by DataParallel", "_orig_mod.": ", left by torch.compile"}
        yield (
            f"every name begins with `{prefix}`{wrapper.get(prefix, '')}: save the inner model's "
            "state dict, or match by order with --from ordered"
        )
    elif not mismatch.expected.keys() & mismatch.found.keys():
        yield (
            "no name is shared with the network, so these are another library's names: if the "
            "tensors come in forward order, use --from ordered"
        )


def _explain_head(mismatch: Mismatch) -> Iterator[str]:
    if shapes := mismatch.differs("fc.weight") or mismatch.differs("fc.bias"):
        ours, theirs = shapes
        if ours[0] != theirs[0]:
            yield f"the file has {theirs[0]} classes, the network {ours[0]}"
    elif {"fc.weight", "fc.bias"} <= mismatch.missing:
        yield "the file has no classifier under the name `fc`: perhaps it holds features only"


def _explain_stem(mismatch: Mismatch) -> Iterator[str]:
    if shapes := mismatch.differs("conv1.weight"):
        ours, theirs = shapes
        if len(theirs) == 4 and ours[2:] != theirs[2:]:
            stems = {(3, 3): "CIFAR", (7, 7): "ImageNet"}
            yield (
                f"the file's first convolution is {theirs[2]}×{theirs[3]} "
                f"({stems.get(theirs[2:], 'another')} stem), the network's {ours[2]}×{ours[3]}"
            )
        elif len(theirs) == 4 and ours[1] != theirs[1]:
            yield f"the file is for images of {theirs[1]} channels, the network for {ours[1]}"
    if "conv1.0.weight" in mismatch.found:
        yield "the file has a stem of three convolutions (ResNet-D), which reslab has not"


def _explain_depth(mismatch: Mismatch) -> Iterator[str]:
    theirs = count_blocks(mismatch.found)
    if theirs != mismatch.config.blocks_per_stage:
        yield (
            f"another depth: the file has {theirs} blocks a stage, the network "
            f"{mismatch.config.blocks_per_stage}"
        )


def _explain_blocks(mismatch: Mismatch) -> Iterator[str]:
    if any(name.endswith(".conv3.weight") for name in mismatch.unexpected):
        yield "the file has bottleneck blocks, the network basic ones"
    elif any(name.endswith(".conv3.weight") for name in mismatch.missing):
        yield "the network has bottleneck blocks, the file basic ones"
    elif shapes := mismatch.differs("layer1.0.conv2.weight"):
        ours, theirs = shapes
        if ours[0] == theirs[0]:
            yield "its 3×3 convolutions are grouped (ResNeXt), which reslab has not"
        else:
            yield f"another width: {theirs[0]} channels in the first stage, the network {ours[0]}"
    elif mismatch.differs("layer1.0.conv3.weight"):
        yield "its bottleneck is not a quarter as wide as its output (Wide ResNet, ResNeXt)"


def _explain_shortcuts(mismatch: Mismatch) -> Iterator[str]:
    extra = [name for name in mismatch.unexpected if ".downsample." in name]
    absent = [name for name in mismatch.missing if ".downsample." in name]
    if extra:
        wanted = mismatch.config.shortcut
        asked = "a plain net" if wanted == "none" else f"shortcut option {wanted}"
        yield f"the file has projection shortcuts (option B or C), but {asked} was asked for"
    if absent and not any(".downsample." in name for name in mismatch.found):
        yield "the file has no projection shortcuts: option A or a plain net"


def _explain_statistics(mismatch: Mismatch) -> Iterator[str]:
    if not any(name.endswith("running_mean") for name in mismatch.found):
        yield "the running statistics of BN were not saved (buffers are missing)"
    if "conv1.bias" in mismatch.found:
        yield "its convolutions have biases, as when BN was folded into them"


_CAUSES: tuple[Callable[[Mismatch], Iterator[str]], ...] = (
    _explain_depth, _explain_blocks, _explain_shortcuts, _explain_stem, _explain_head,
    _explain_statistics,
)  # fmt: skip
