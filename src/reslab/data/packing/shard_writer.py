"""Writing one shard: all of it, or nothing."""

import hashlib
import os
import tarfile
import tempfile
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import IO

from PIL import Image

from reslab.data.image_set import ImageSet
from reslab.data.images import decode_image, find_suffix
from reslab.data.packing.plan import PackSettings, ShardPlan
from reslab.data.reading import escape
from reslab.data.sources.packed import LeftOut, ShardContents, contents_path
from reslab.data.views import resize_shorter_side
from reslab.errors import DataError
from reslab.files.documents import write_json

TEMPORARY = ".packing-"
"""How the names of unfinished shards begin."""


def write_shard(folder: Path, images: ImageSet, plan: ShardPlan, settings: PackSettings) -> None:
    """Write the shard of `images`, which `plan` numbers, and what it holds in a file beside it.

    That file comes last and is the sign that the shard is whole.

    Each image is decoded before it is packed; what is broken is left out and noted. The bytes
    depend on nothing but the plan and the images.

    Raises:
        OSError: if the folder cannot be written.
    """
    handle, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
    try:
        with os.fdopen(handle, "wb+") as file:
            contents = _write(file, images, plan, settings)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        shard = folder / plan.file
        Path(temporary).replace(shard)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    write_json(contents_path(shard), asdict(contents))


def prepare_image(content: bytes, settings: PackSettings) -> tuple[bytes, str]:
    """Decode an image to see that it is whole; resize it if it is larger than wanted.

    Returns:
        The bytes to pack, and the suffix that suits them.

    Raises:
        DataError: if the image is broken.
    """
    pixels = decode_image(content, 3)
    wanted = settings.shorter_side
    if wanted is None or min(pixels.shape[:2]) <= wanted:
        return content, find_suffix(content)
    encoded = BytesIO()
    resized = Image.fromarray(resize_shorter_side(pixels, wanted))
    resized.save(encoded, "JPEG", quality=settings.quality, subsampling=0)
    return encoded.getvalue(), ".jpg"


def _write(
    file: IO[bytes], images: ImageSet, plan: ShardPlan, settings: PackSettings
) -> ShardContents:
    left_out: list[LeftOut] = []
    names, sources, offsets, sizes, labels = [], [], [], [], []
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for place, index in enumerate(plan.indices):
            source = images.store.name(place)
            try:
                content, suffix = prepare_image(images.store.read(place), settings)
            except DataError as error:
                left_out.append(LeftOut(name=escape(source), problem=str(error)))
                continue
            # Numbers, as a name may hold dots or anything else that a reader takes apart.
            name, label = f"{plan.part}/{index:08d}", int(images.labels[place])
            names.append(name + suffix)
            sources.append(escape(source))
            offsets.append(_add(tar, name + suffix, content))
            sizes.append(len(content))
            labels.append(label)
            _add(tar, f"{name}.cls", str(label).encode())
    return ShardContents(
        sha256=digest_file(file),
        bytes=file.seek(0, os.SEEK_END),
        plan=plan.digest,
        names=names,
        sources=sources,
        offsets=offsets,
        sizes=sizes,
        labels=labels,
        left_out=left_out,
    )


def digest_file(file: IO[bytes]) -> str:
    """SHA-256 of a whole open file, in hex."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> int:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    start = tar.offset + tarfile.BLOCKSIZE
    tar.addfile(member, BytesIO(content))
    return start
