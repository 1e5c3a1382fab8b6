"""WebDataset shards: tar files of `key.jpg` with `key.cls` beside it, on this machine or at a URL.

They are read by offset, not as a stream, so that images come in any order. Shards at a URL are
therefore copied once, by WebDataset's own opener.
"""

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from reslab.data.image_set import ImageCollection, ImageSet
from reslab.data.names import PackedNames, pack_names
from reslab.data.reading import display_path, escape
from reslab.data.sources.optional import import_optional
from reslab.data.sources.parts import PART_NAMES, Splitting, assemble, find_part
from reslab.data.sources.shard_fetching import fetch_shards, is_url
from reslab.data.sources.shard_scanning import ShardItem, scan_shard
from reslab.errors import DataError

KIND = "shards"


@dataclass(frozen=True, eq=False)
class TarStore:
    """Members of uncompressed tar files."""

    paths: tuple[str, ...]
    names: PackedNames
    shards: NDArray[np.int32]
    """[N], an index into `paths`."""
    offsets: NDArray[np.int64]
    """[N], where each image begins."""
    sizes: NDArray[np.int64]
    """[N], in bytes."""

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        """Shard and member, as members of two shards may have one name."""
        return f"{Path(self.paths[self.shards[index]]).name}/{self.names[index]}"

    def read(self, index: int) -> bytes:
        """The member's content.

        Raises:
            DataError: if the shard cannot be read or is cut short.
        """
        path = self.paths[self.shards[index]]
        size = int(self.sizes[index])
        try:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                content = os.pread(descriptor, size, int(self.offsets[index]))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise DataError(f"cannot read {escape(path)}: {error.strerror}") from error
        if len(content) != size:
            raise DataError(f"{escape(path)} is cut short: restore it from a copy")
        return content

    def select(self, indices: NDArray[np.int64]) -> "TarStore":
        """The members at `indices`."""
        return TarStore(
            self.paths,
            self.names.select(indices),
            self.shards[indices],
            self.offsets[indices],
            self.sizes[indices],
        )

    def identify(self) -> Iterator[bytes]:
        """Names and sizes."""
        yield self.names.content
        yield self.names.ends.astype("<i8").tobytes()
        yield self.sizes.astype("<i8").tobytes()


def open_shards(spec: str, splitting: Splitting, cache: Path | None = None) -> ImageCollection:
    """Find the images in shards; their classes are numbers, named `0`, `1` and so on.

    The part is what a shard's name or its folder's says: `train-0001.tar`, `val/0001.tar`.

    Args:
        spec: a tar file, a folder of them, a pattern with `*` or `{000..127}`, or such a URL.
        splitting: how to hold out images if the names say nothing.
        cache: the folder to which shards at a URL are copied.

    Raises:
        DataError: if there is no shard, or one is not what it should be.
        ConfigError: if a URL has no cache, or is of a kind that is not fetched.
    """
    paths = fetch_shards(spec, cache) if is_url(spec) else _list_local(spec)
    if not paths:
        raise DataError(f"no shard found at {spec!r}: give a .tar file, or a folder of them")
    by_part: dict[str | None, list[Path]] = {}
    for path in paths:
        by_part.setdefault(find_part(PurePath(path)), []).append(path)
    scanned = {
        part: {path: list(scan_shard(path)) for path in files} for part, files in by_part.items()
    }
    found = {part: join_shards(shards) for part, shards in scanned.items()}
    num_classes = 1 + max(int(images.labels.max(initial=0)) for images in found.values())
    return assemble(spec, KIND, tuple(map(str, range(num_classes))), found, splitting)


def list_folder_shards(folder: Path) -> list[Path]:
    """The shards in a folder and in its folders that are named after parts, sorted."""
    # Not deeper: a folder of class folders may hold millions of files.
    folders = [folder, *(folder / name for name in PART_NAMES)]
    return sorted(path for each in folders for path in each.glob("*.tar"))


def join_shards(shards: Mapping[Path, Sequence[ShardItem]]) -> ImageSet:
    """One part of all the images in some shards, in order."""
    items = [item for of_shard in shards.values() for item in of_shard]
    counts = [len(of_shard) for of_shard in shards.values()]
    store = TarStore(
        tuple(map(str, shards)),
        pack_names(item.name for item in items),
        np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        np.array([item.offset for item in items], dtype=np.int64),
        np.array([item.size for item in items], dtype=np.int64),
    )
    return ImageSet(store, np.array([item.label for item in items], dtype=np.int64))


def _list_local(spec: str) -> list[Path]:
    path = Path(spec)
    if path.is_dir():
        return list_folder_shards(path)
    if path.is_file():
        return [path]
    if "{" in spec:
        braceexpand = import_optional("braceexpand", "data", "patterns with braces")
        patterns = list(braceexpand.braceexpand(spec))
    else:
        patterns = [spec]
    found = {pattern: sorted(glob.glob(pattern, recursive=True)) for pattern in patterns}  # noqa: PTH207
    missing = [pattern for pattern, matches in found.items() if not matches]
    if missing:
        raise DataError(f"no such shard: {display_path(Path(missing[0]))}. Check {spec!r}.")
    return [Path(match) for matches in found.values() for match in matches]
