"""What reslab's training is compared with: other people's networks in the loop commonly written.

Each adapter makes a network of the sizes of one of reslab's, or says why it cannot. The loop is the
same for all: a `DataLoader` over a `Dataset` that transforms one image at a time, eager PyTorch,
`torch.optim.SGD`, loss and error read after every step.
"""

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from reslab.data.dataset import LabelledImages
from reslab.networks.config import NetworkConfig

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class NotOfferedError(Exception):
    """An architecture that a baseline does not have."""


class CommonBlock(nn.Module):
    """A basic block as most CIFAR repositories have it."""

    def __init__(self, in_planes: int, planes: int, stride: int, residual: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.stride, self.missing, self.residual = stride, planes - in_planes, residual

    def forward(self, x: Tensor) -> Tensor:
        """One block."""
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.residual and self.missing:
            half = self.missing // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, half))
        return F.relu(out + x if self.residual else out)


class CommonResNet(nn.Module):
    """A network of §4.2 as most CIFAR repositories have it."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        if config.stem != "cifar" or config.block != "basic":
            raise NotOfferedError("the common loop has the CIFAR family only")
        planes = config.stem_width
        self.conv1 = nn.Conv2d(config.in_channels, planes, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        blocks = []
        sizes = zip(config.blocks_per_stage, config.stage_widths, config.stage_strides, strict=True)
        for count, width, stride in sizes:
            for i in range(count):
                residual = config.family == "residual"
                blocks.append(CommonBlock(planes, width, stride if i == 0 else 1, residual))
                planes = width
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(planes, config.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        out = self.blocks(F.relu(self.bn1(self.conv1(x))))
        out = F.avg_pool2d(out, out.size(3))
        logits: Tensor = self.linear(out.view(out.size(0), -1))
        return logits


def build_transformers(config: NetworkConfig) -> nn.Module:
    """Hugging Face's ResNet; with a stem of 3×3 in place of its 7×7 for the CIFAR family."""
    from transformers import ResNetConfig, ResNetForImageClassification  # noqa: PLC0415
    from transformers.models.resnet.modeling_resnet import ResNetConvLayer  # noqa: PLC0415

    if config.family == "plain":
        raise NotOfferedError("transformers has no plain nets")
    is_basic = config.block == "basic"
    sizes = {
        "num_channels": config.in_channels,
        "embedding_size": config.stem_width,
        "hidden_sizes": [width * (1 if is_basic else 4) for width in config.stage_widths],
        "depths": list(config.blocks_per_stage),
        "layer_type": "basic" if is_basic else "bottleneck",
        "downsample_in_bottleneck": config.block == "bottleneck",
        "num_labels": config.num_classes,
    }
    model = ResNetForImageClassification(ResNetConfig.from_dict(sizes))
    if config.stem == "cifar":
        stem: Any = model.resnet.embedder
        stem.embedder = ResNetConvLayer(config.in_channels, config.stem_width, kernel_size=3)
        stem.pooler = nn.Identity()
    return _Logits(model)


class _Logits(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.model(x).logits
        return logits


def build_torchvision(config: NetworkConfig) -> nn.Module:
    """The network of torchvision under `torch.compile`, channels last."""
    if importlib.util.find_spec("torchvision") is None:
        raise NotOfferedError("torchvision is not installed")
    from torchvision import models  # type: ignore[import-not-found]  # noqa: PLC0415

    name = config.name.removesuffix("-v1.5")
    if config.stem == "cifar" or not hasattr(models, name):
        raise NotOfferedError(f"torchvision has no {config.name}")
    network: nn.Module = getattr(models, name)(num_classes=config.num_classes)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.compile()
    return network


def build_akamaster(config: NetworkConfig, checkout: Path) -> nn.Module:
    """The network of a checkout of akamaster/pytorch_resnet_cifar10, from its `resnet.py`."""
    spec = importlib.util.spec_from_file_location("akamaster_resnet", checkout / "resnet.py")
    if spec is None or spec.loader is None or not (checkout / "resnet.py").is_file():
        raise NotOfferedError(f"{checkout} holds no resnet.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if config.name not in module.__all__ or config.stem_width != 16:
        raise NotOfferedError(f"akamaster has no {config.name} of width {config.stem_width}")
    network: nn.Module = getattr(module, config.name)()
    return network


DIFFERENCES = {
    "common": "zero channels of option A split before and after, as many repositories have them",
    "transformers": "shortcuts of option B (1×1 convolution and BN) where sizes change; for the "
    "CIFAR family its stem of 7×7 and pooling replaced by 3×3",
    "torchvision": "stride of a bottleneck on its 3×3; compiled, channels last",
    "akamaster": "its network in the common loop, as its trainer.py needs torchvision and a GPU",
}
"""How each differs from reslab's network, and from what its authors run."""


def build_baseline(name: str, config: NetworkConfig, akamaster: str | None) -> nn.Module:
    """The network of a baseline.

    Raises:
        NotOfferedError: if it does not have the architecture.
    """
    if name == "akamaster":
        if akamaster is None:
            raise NotOfferedError("give a checkout with --akamaster DIR")
        return build_akamaster(config, Path(akamaster))
    builders: dict[str, Callable[[NetworkConfig], nn.Module]] = {
        "common": CommonResNet,
        "transformers": build_transformers,
        "torchvision": build_torchvision,
    }
    return builders[name](config)


class TransformedImages(Dataset[tuple[Tensor, int]]):
    """Images as the common loop sees them: transformed one by one, in Python."""

    def __init__(self, part: LabelledImages, *, augment: bool) -> None:
        self.images = part.images.permute(0, 2, 3, 1).contiguous().numpy()
        self.labels = part.labels.tolist()
        self.augment = augment
        self.mean, self.std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """One image [C, H, W], normalised, and its label."""
        image = Image.fromarray(self.images[index])
        if self.augment:
            image = self._augment(image)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
        return (pixels.float().div(255) - self.mean) / self.std, self.labels[index]

    def _augment(self, image: Image.Image) -> Image.Image:
        if torch.rand(()) < 0.5:
            image = ImageOps.mirror(image)
        left, top = torch.randint(0, 9, (2,)).tolist()
        width, height = image.size
        return ImageOps.expand(image, 4).crop((left, top, left + width, top + height))


class CommonLoop:
    """The loop commonly written around a network.

    Args:
        network: what to train.
        device: where.
        autocast: whether to compute in bfloat16 where PyTorch's autocast does.
    """

    def __init__(self, network: nn.Module, device: torch.device, *, autocast: bool) -> None:
        self.network = network.to(device)
        self.device = device
        self.autocast = autocast
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4
        )

    def step(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Forward, backward, update: mean loss and logits."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            logits = self.network(images)
            loss = self.criterion(logits, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss, logits

    def train(self, loader: DataLoader[Any], steps: int, on_step: Callable[[int], None]) -> None:
        """So many steps, with loss and accuracy read after each."""
        self.network.train()
        taken = 0
        while taken < steps:
            for images, labels in loader:
                images, labels = self._move(images, labels)  # noqa: PLW2901
                loss, logits = self.step(images, labels)
                accuracy = (logits.argmax(dim=1) == labels).float().mean()
                _ = loss.item(), accuracy.item()
                taken += 1
                on_step(taken)
                if taken == steps:
                    return

    def evaluate(self, loader: DataLoader[Any]) -> float:
        """Accuracy over everything the loader gives."""
        self.network.eval()
        right = count = 0
        with torch.no_grad():
            for images, labels in loader:
                images, labels = self._move(images, labels)  # noqa: PLW2901
                logits = self.network(images)
                self.criterion(logits, labels).item()
                right += int((logits.argmax(dim=1) == labels).sum())
                count += len(labels)
        return right / count

    def save(self) -> None:
        """Write weights and momentum to disk, as a checkpoint does."""
        state = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        with TemporaryFile() as file:
            torch.save(state, file)

    def time_steps(self, images: Tensor, labels: Tensor, steps: int) -> float:
        """Seconds of so many steps on one batch that is in place already."""
        self.network.train()
        synchronise(self.device)
        started_at = time.perf_counter()
        for _ in range(steps):
            self.step(images, labels)
        synchronise(self.device)
        return time.perf_counter() - started_at

    def _move(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
