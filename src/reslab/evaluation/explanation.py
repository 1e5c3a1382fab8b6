"""Where did the network look? Class activation maps over images."""

import hashlib
import re
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reslab.data.images import Pixels
from reslab.errors import ConfigError
from reslab.evaluation.prediction import Candidate
from reslab.evaluation.protocols import build_protocol, read_views
from reslab.files.atomic import write_atomically
from reslab.networks.classifier import Classifier

try:
    from captum.attr import LayerGradCam
except ImportError as error:
    raise ConfigError(
        "class activation maps need captum: install it with `pip install 'reslab[explain]'`"
    ) from error


def compute_activation_map(classifier: Classifier, view: Pixels, label: int) -> NDArray[np.float32]:
    """Grad-CAM of the last stage (Selvaraju et al. 2017), the evidence for one class.

    Behind global average pooling and one linear layer, as here, this is the class activation map
    (Zhou et al. 2016) but for a positive factor: relu(Σ_k weight[label, k] · maps[k]).

    Args:
        classifier: in evaluation mode.
        view: the image as the network sees it, [H, W, C].
        label: index of the class.

    Returns:
        [H, W], from 0 to 1; all zeros where nothing speaks for the class.
    """
    _, last_block = classifier.network.named_blocks()[-1]
    device = classifier.preprocessing.mean.device
    image = torch.from_numpy(np.ascontiguousarray(view.transpose(2, 0, 1)))[None]
    image = image.to(device, torch.float32).requires_grad_()
    explain = LayerGradCam(classifier, last_block)
    maps = explain.attribute(image, target=label, relu_attributions=True).detach()
    resized = F.interpolate(maps, view.shape[:2], mode="bilinear", align_corners=False)[0, 0]
    result: NDArray[np.float32] = (resized / resized.max().clamp(min=1e-12)).cpu().numpy()
    return result


def save_explanation(
    classifier: Classifier, path: Path, candidate: Candidate, folder: Path
) -> Path:
    """Write a picture of an image's central crop beside the evidence for a class over it.

    Args:
        classifier: in evaluation mode.
        path: the image file.
        candidate: the class to explain, and its probability.
        folder: where the picture goes; it must exist.

    Returns:
        The picture: a PNG named after the image and a digest of its path, so that images of the
        same name in different folders do not overwrite each other.

    Raises:
        DataError: if the image cannot be read.
        ConfigError: if the picture cannot be written.
    """
    geometry = classifier.preprocessing.geometry
    (view,) = read_views(path, geometry, build_protocol("centre", geometry))
    heat = compute_activation_map(classifier, view, candidate.index)
    picture = folder / _name_picture(path)
    try:
        write_atomically(picture, _draw(view, heat, candidate))
    except OSError as error:
        raise ConfigError(
            f"cannot write {picture}: {error.strerror}. Give a folder that exists and has room."
        ) from error
    return picture


def _name_picture(path: Path) -> str:
    digest = hashlib.sha256(str(path.absolute()).encode(errors="surrogateescape")).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', path.stem)[:80].strip('.-')}-{digest}.png"


def _draw(view: Pixels, heat: NDArray[np.float32], candidate: Candidate) -> bytes:
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    # Names are shown as they are: a dollar sign in one starts no formula.
    title = f"{candidate.name}   {100 * candidate.probability:.1f} %"
    figure.suptitle(title, parse_math=False, wrap=True)
    plain, overlaid = figure.subplots(1, 2)
    for axes in (plain, overlaid):
        axes.imshow(view.squeeze(), cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()
    shown = overlaid.imshow(heat, cmap="jet", vmin=0, vmax=1, alpha=0.5)
    figure.colorbar(shown, ax=overlaid, label="evidence for the class", shrink=0.8)
    content = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(content, format="png", dpi=100)
    return content.getvalue()
