"""Packing a data set into shards, and going on where a killed packing stopped."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from reslab.data.image_set import ImageCollection, ImageSet
from reslab.data.packing.plan import PackSettings, ShardPlan, digest_plan, plan_shards
from reslab.data.packing.shard_writer import TEMPORARY, digest_file, write_shard
from reslab.data.reading import display_path
from reslab.data.sources.packed import (
    INDEX_FILE,
    PLAN_FILE,
    VERSION,
    PackedIndex,
    ShardContents,
    ShardEntry,
    contents_path,
)
from reslab.data.workers import map_in_workers
from reslab.errors import ConfigError, DataError
from reslab.files.documents import from_document, read_json, write_json, write_sealed_json

LOCK_FILE = ".lock"

OnProgress = Callable[[int, int], None]
"""Told how many of how many images are packed."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One shard, with only the images it needs."""

    images: ImageSet
    plan: ShardPlan


def pack(
    collection: ImageCollection,
    out: Path,
    settings: PackSettings,
    workers: int,
    on_progress: OnProgress = lambda _done, _total: None,
) -> PackedIndex:
    """Write a data set as shards, with an index that is written last.

    A shard that is there already is read back and, if whole, kept; so a packing that was killed is
    finished by the same call, and a finished one is verified. Every new shard is read back too.

    Args:
        collection: the data set.
        out: a folder that is new, empty, or of an earlier packing of the same data set.
        settings: how to pack.
        workers: processes.
        on_progress: told after each shard.

    Raises:
        ConfigError: if the folder holds anything else, or another process packs into it.
        DataError: if it cannot be written, or a shard does not read as it was written.
    """
    digest = digest_plan(collection, settings)
    plans = plan_shards(collection, settings, digest)
    with _claim(out, digest, plans):
        jobs = (
            _Job(images=collection.parts[plan.part].select(plan.indices), plan=plan)
            for plan in plans
        )
        total = sum(len(plan.indices) for plan in plans)
        done = 0
        for count in map_in_workers(partial(_make_whole, out, settings), jobs, workers):
            done += count
            on_progress(done, total)
        index = _build_index(collection, out, plans, digest)
        write_sealed_json(out / INDEX_FILE, index.to_document())
    return index


@contextmanager
def _claim(out: Path, digest: str, plans: list[ShardPlan]) -> Iterator[None]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / LOCK_FILE, timeout=0):
            _check_folder(out, digest, plans)
            write_json(out / PLAN_FILE, {"plan": digest})
            yield
    except Timeout as error:
        raise ConfigError(f"another process packs into {display_path(out)}: wait for it") from error
    except OSError as error:
        raise _cannot_write(out, error) from error


def _cannot_write(path: Path, error: OSError) -> DataError:
    return DataError(
        f"cannot write {display_path(path)}: {error.strerror or error}. What is packed stays; the "
        "same command goes on from there."
    )


def _check_folder(out: Path, digest: str, plans: list[ShardPlan]) -> None:
    ours = {PLAN_FILE, INDEX_FILE, LOCK_FILE}
    ours |= {name for plan in plans for name in (plan.file, contents_path(Path(plan.file)).name)}
    present = sorted(path.name for path in out.iterdir())
    # What `write_json` was killed in is called after the file it would have replaced.
    beginnings = (TEMPORARY, *(f".{name}." for name in ours))
    unfinished = [name for name in present if name.startswith(beginnings)]
    foreign = [name for name in present if name not in ours and name not in unfinished]
    if foreign or (set(present) - {LOCK_FILE} and PLAN_FILE not in present):
        name = foreign[0] if foreign else present[-1]
        raise ConfigError(
            f"{display_path(out)} holds {name!r}, which this packing would not write: give a new "
            "or empty folder"
        )
    if PLAN_FILE in present and read_json(out / PLAN_FILE) != {"plan": digest}:
        raise ConfigError(
            f"{display_path(out)} holds a packing of other images or with other settings: give "
            "another folder"
        )
    for name in unfinished:
        (out / name).unlink()


def _make_whole(out: Path, settings: PackSettings, job: _Job) -> int:
    if not _is_whole(out, job.plan):
        try:
            write_shard(out, job.images, job.plan, settings)
        except OSError as error:
            raise _cannot_write(out / job.plan.file, error) from error
        if not _is_whole(out, job.plan):
            raise DataError(
                f"{display_path(out / job.plan.file)} does not read as it was written: the disk "
                "may be failing"
            )
    return len(job.plan.indices)


def _is_whole(out: Path, plan: ShardPlan) -> bool:
    shard = out / plan.file
    try:
        contents = _read_contents(shard)
        with shard.open("rb") as file:
            return contents.plan == plan.digest and digest_file(file) == contents.sha256
    except (OSError, ConfigError):
        return False


def _read_contents(shard: Path) -> ShardContents:
    path = contents_path(shard)
    return from_document(read_json(path), ShardContents, display_path(path))


def _build_index(
    collection: ImageCollection, out: Path, plans: list[ShardPlan], digest: str
) -> PackedIndex:
    all_contents = [_read_contents(out / plan.file) for plan in plans]
    shards = [
        ShardEntry(
            file=plan.file,
            part=plan.part,
            images=len(contents.names),
            bytes=contents.bytes,
            sha256=contents.sha256,
            contents_sha256=_digest(contents_path(out / plan.file)),
        )
        for plan, contents in zip(plans, all_contents, strict=True)
    ]
    return PackedIndex(
        version=VERSION,
        plan=digest,
        class_names=list(collection.class_names),
        shards=shards,
        left_out=[item for contents in all_contents for item in contents.left_out],
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
