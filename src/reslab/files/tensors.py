"""Safetensors files that say what they are and prove that they are whole.

The file's metadata has one key, `reslab`, holding a JSON document; its `digest` covers every tensor
and the rest of the document, so a truncated or altered file never loads.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from reslab.errors import WeightsError
from reslab.files.atomic import write_atomically
from reslab.files.documents import canonical_json

METADATA_KEY = "reslab"


def digest_tensors(tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of the tensors, and over the document."""
    sha256 = hashlib.sha256(canonical_json(document).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        sha256.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        sha256.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha256.hexdigest()


def write_tensors(path: Path, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> str:
    """Write tensors and a JSON document as one safetensors file, atomically.

    Returns:
        The digest, which the file also carries.
    """
    # Cloned so that tensors which share memory (tied or sliced) are each written whole.
    contents = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    digest = digest_tensors(contents, document)
    metadata = {METADATA_KEY: json.dumps({**document, "digest": digest})}
    write_atomically(path, save(contents, metadata))
    return digest


def read_document(path: Path) -> dict[str, Any]:
    """Read only the JSON document of a file that `write_tensors` wrote; nothing is verified.

    Raises:
        WeightsError: if the file is missing, not safetensors, or carries no such document.
    """
    if path.exists() and not path.is_file():
        # Opening a pipe would wait for somebody to write into it.
        raise WeightsError(f"{path} is not a whole safetensors file: it is no regular file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError as error:
        raise WeightsError(f"no such file: {path}") from error
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file: {error}") from error
    return _parse_document(path, metadata)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read and verify a file that `write_tensors` wrote.

    Returns:
        The tensors, and the document with its `digest`.

    Raises:
        WeightsError: if the file is missing, truncated, altered or of another kind.
    """
    document = read_document(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file: {error}") from error
    unsigned = {key: value for key, value in document.items() if key != "digest"}
    if digest_tensors(tensors, unsigned) != document.get("digest"):
        raise WeightsError(
            f"{path} is damaged: its content does not match the digest it carries. "
            "Restore it from a copy."
        )
    return tensors, document


def _parse_document(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    if METADATA_KEY not in metadata:
        raise WeightsError(
            f"{path} is a safetensors file, but not one of reslab's: "
            "`reslab convert` turns other libraries' weights into one."
        )
    try:
        document = json.loads(metadata[METADATA_KEY])
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged: its metadata is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise WeightsError(f"{path} is damaged: its metadata is not a JSON object")
    return document
