"""What lies on disk: tensors and the JSON files beside them, read without running anything."""

import hashlib
import json
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from reslab.errors import WeightsError

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts nest their state dict, in the order they are tried."""
MAX_JSON_BYTES = 8 << 20
_FOLDER_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_FOLDER_DOCUMENTS = ("config.json", "preprocessor_config.json")
_DATA_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file or folder of weights, as it is."""

    path: Path
    """The file or folder given."""
    file: Path
    """The file that holds the tensors."""
    tensors: Mapping[str, Tensor]
    """In the order of the file."""
    sha256: str
    """Of `file`."""
    documents: Mapping[str, Any] = field(default_factory=dict)
    """A folder's JSON files, by name."""
    wrapper: str | None = None
    """The key that the state dict was nested under, if it was."""

    @property
    def keeps_order(self) -> bool:
        """Whether the tensors come in the order in which the network defines them."""
        return self.file.suffix != ".safetensors"


def read_source(path: Path) -> Source:
    """Read a state dict from a `.safetensors`, `.pth`, `.pt`, `.th` or `.bin` file, or a folder.

    Raises:
        WeightsError: if it is missing, damaged, holds no state dict, or needs more than tensors.
    """
    documents: dict[str, Any] = {}
    file = path
    if path.is_dir():
        file = _find_weights(path)
        documents = {
            name: read_json_object(path / name)
            for name in _FOLDER_DOCUMENTS
            if (path / name).exists()
        }
    if not file.is_file():
        reason = "is not a regular file" if file.exists() else "does not exist"
        raise WeightsError(f"{file} {reason}: give a weights file, or a folder that holds one")
    try:
        sha256 = _hash_file(file)
        is_safetensors = file.suffix == ".safetensors"
        content = _read_safetensors(file) if is_safetensors else _read_pickle(file)
    except OSError as error:
        raise WeightsError(f"cannot read {file}: {error.strerror or error}") from error
    wrapper, tensors = _unwrap(content, file)
    _require_no_larger(tensors, file)
    return Source(
        path=path, file=file, tensors=tensors, sha256=sha256, documents=documents, wrapper=wrapper
    )


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON object of at most `MAX_JSON_BYTES`.

    Raises:
        WeightsError: if the file is too large, unreadable, or not a JSON object.
    """
    try:
        if not path.is_file() or path.stat().st_size > MAX_JSON_BYTES:
            raise WeightsError(
                f"{path} is not a file of at most {MAX_JSON_BYTES >> 20} MiB: no configuration is "
                "as large; check what it is"
            )
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is not JSON: {error}. Get it again from its source.") from error
    if not isinstance(document, dict):
        raise WeightsError(f"{path} is not a JSON object. Get it again from its source.")
    return document


def _find_weights(folder: Path) -> Path:
    for name in _FOLDER_WEIGHTS:
        if (folder / name).exists():
            return folder / name
    if sharded := sorted(folder.glob("*.index.json")):
        raise WeightsError(
            f"{folder} holds weights in several files ({sharded[0].name}): save them as one, "
            "with a larger `max_shard_size`"
        )
    raise WeightsError(
        f"{folder} is a folder without {' or '.join(_FOLDER_WEIGHTS)}: give the weights file itself"
    )


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(
            f"{path} is not a whole safetensors file: {error}. Get it again from its source."
        ) from error


def _read_pickle(path: Path) -> Any:
    _require_uncompressed(path)
    try:
        with warnings.catch_warnings():
            # TorchScript archives are refused below, in words; the warning adds nothing.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    # Garbage makes the reader fail with errors of every kind.
    except Exception as error:
        raise WeightsError(_explain_unreadable(path, error)) from error


def _require_uncompressed(path: Path) -> None:
    """Refuse an archive that unpacks to more than it is: PyTorch stores tensors as they are."""
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    # Garbage makes the reader fail with errors of every kind.
    except Exception as error:
        raise WeightsError(_explain_unreadable(path, error)) from error
    if unpacked > path.stat().st_size:
        raise WeightsError(
            f"{path} is compressed and would unpack to {unpacked:,} bytes; PyTorch writes no such "
            "file. Get it again from its source."
        )


def _require_no_larger(tensors: Mapping[str, Tensor], file: Path) -> None:
    """Refuse tensors that share their memory so that together they claim more than the file."""
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if claimed > file.stat().st_size:
        raise WeightsError(
            f"{file} claims tensors of {claimed:,} bytes, more than the whole file: they overlap. "
            "Save them with `.contiguous().clone()`"
        )


def _explain_unreadable(path: Path, error: Exception) -> str:
    message = str(error)
    if "TorchScript" in message:
        return (
            f"{path} is a TorchScript program, not a state dict: save `module.state_dict()` instead"
        )
    if wanted := re.search(r"GLOBAL (\S+)", message):
        return (
            f"{path} holds more than tensors: reading it would import or call "
            f"{wanted[1].rstrip('.,')}, and reslab runs no code from a file. If you trust it, open "
            "it with the library it came from and save only `model.state_dict()`"
        )
    first_line = (message.splitlines() or [""])[0][:200] or type(error).__name__
    return (
        f"{path} is not a whole PyTorch file: {first_line} It may be cut short or of another "
        "format; get it again from its source."
    )


def _unwrap(content: Any, file: Path) -> tuple[str | None, dict[str, Tensor]]:
    if not isinstance(content, dict):
        raise WeightsError(f"{file} holds a {type(content).__name__}, not a state dict")
    wrapper = next((key for key in WRAPPERS if isinstance(content.get(key), dict)), None)
    tensors = content if wrapper is None else content[wrapper]
    for name, value in tensors.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            # Others may be nested without end.
            simple = isinstance(name, str | int)
            shown = f"{name!r:.60}" if simple else f"a {type(name).__name__}"
            raise WeightsError(
                f"{file} is not a state dict: {shown} is a {type(value).__name__}. Known keys for "
                f"a nested state dict are {', '.join(WRAPPERS)}; save only the state dict"
            )
        strided = value.layout == torch.strided and value.device.type == "cpu"
        if not strided or value.dtype not in _DATA_DTYPES:
            raise WeightsError(
                f"{file}: {name} is of type {value.dtype} ({value.layout}); reslab reads dense "
                "floating-point weights, so save them unquantised"
            )
    if not tensors:
        raise WeightsError(f"{file} holds no tensors")
    return wrapper, {name: tensor.detach() for name, tensor in tensors.items()}
