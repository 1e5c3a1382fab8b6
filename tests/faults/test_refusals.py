"""The system refuses: a sentence, a code, nothing lost of what was written, and no hang."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from reslab.runs.directory import RunDirectory
from tests.faults.conftest import TRAIN, Disk, Done, Reslab, find_differences


def assert_refused(done: Done, *words: str) -> None:
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert done.last_words.startswith("reslab: ")
    assert all(word in done.last_words for word in words), done.last_words


# From a disk on which a run cannot even begin to one on which its last file does not fit.
@pytest.mark.parametrize("kilobytes", [8, 60, 170])
def test_a_full_disk_loses_nothing(kilobytes: int, disk: Disk, reslab: Reslab, whole: Path) -> None:
    disk.change(f"size={kilobytes}k")
    folder = disk.path / "run"
    train = (*TRAIN, "--steps", "20", "--out", str(folder))
    assert_refused(reslab(*train), "No space left on device", "free some space")
    before = RunDirectory(folder).read_metrics()
    assert not list(disk.path.rglob("*.part"))
    # Still full: refused again, and what there was is there still.
    assert_refused(reslab(*train, "--resume"), "No space left on device")
    after = RunDirectory(folder).read_metrics()
    kept = [record for record in before if record in after]
    assert len(before) - len(kept) <= 4, "more is gone than was measured since the last checkpoint"
    disk.change("size=16m")
    done = reslab(*train, "--resume")
    assert done.code == 0, done.err
    assert find_differences(folder, whole) == []


def limit_file_size(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_limit_of_file_sizes_is_named(reslab: Reslab, tmp_path: Path) -> None:
    done = reslab(
        *TRAIN, "--steps", "20", "--out", str(tmp_path / "run"),
        prepare=partial(limit_file_size, 30_000),
    )  # fmt: skip
    assert_refused(done, "step-", "File too large", "ulimit -f")


def test_output_that_cannot_be_written_is_told() -> None:
    command = [sys.executable, "-m", "reslab", "describe", "resnet8", "--json"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert_refused(Done(done.returncode, "", done.stderr), "standard output: No space left")


def test_a_read_only_folder_is_named(disk: Disk, reslab: Reslab) -> None:
    folder = disk.path / "run"
    assert reslab(*TRAIN, "--steps", "2", "--out", str(folder)).code == 0
    disk.change("ro")
    resumed = (*TRAIN, "--steps", "2", "--resume", "--out", str(folder))
    assert_refused(reslab(*resumed), str(folder), "Read-only file system", "make it writable")
    begun = (*TRAIN, "--steps", "2", "--out", str(disk.path / "new"))
    assert_refused(reslab(*begun), "Read-only file system")


def wait_for_measurements(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not RunDirectory(folder).read_metrics():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_folder_that_is_removed_ends_the_run(reslab: Reslab, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = reslab.start(*TRAIN, "--steps", "100000", "--out", str(folder))
    wait_for_measurements(folder)
    folder.rename(tmp_path / "gone")
    assert_refused(command.end(), str(folder), "No such file", "put it back")
    assert not folder.exists()
    shutil.rmtree(tmp_path / "gone")


def limit_open_files(number: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


@pytest.mark.parametrize("number", [5, 9, 11])
def test_without_file_descriptors_a_run_ends_in_words_or_as_ever(
    number: int, reslab: Reslab, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    train = (*TRAIN, "--steps", "20", "--out", str(folder))
    done = reslab(*train, prepare=partial(limit_open_files, number))
    if done.code == 0:
        assert find_differences(folder, whole) == []
    else:
        assert_refused(done, "Too many open files", "ulimit -n")


def limit_memory(megabytes: int) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + (megabytes << 20), resource.RLIM_INFINITY))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_net_too_large_for_memory_is_refused_in_words(reslab: Reslab, tmp_path: Path) -> None:
    done = reslab(
        "train", "resnet20", "--width", "256", "--threads", "1", "--device", "cpu",
        "--steps", "5", "--compile", "never", "--out", str(tmp_path / "run"),
        prepare=partial(limit_memory, 200),
    )  # fmt: skip
    assert_refused(done, "out of memory", "--batch-size")


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
/* Each look at the clock finds it an hour earlier. */
static long back(void) { static long seconds = 0; return seconds += 3600; }
int clock_gettime(clockid_t id, struct timespec *t) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int code = real(id, t);
  if (id == CLOCK_REALTIME) t->tv_sec -= back();
  return code;
}
time_t time(time_t *t) {
  struct timespec now; clock_gettime(CLOCK_REALTIME, &now);
  if (t) *t = now.tv_sec;
  return now.tv_sec;
}
int gettimeofday(struct timeval *t, void *zone) {
  struct timespec now; clock_gettime(CLOCK_REALTIME, &now);
  t->tv_sec = now.tv_sec; t->tv_usec = now.tv_nsec / 1000;
  return 0;
}
"""


@pytest.fixture
def clock_running_backwards(tmp_path: Path) -> Path:
    """A library that turns the system's clock back whenever a process looks at it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler to build another clock with")
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def test_a_clock_set_back_changes_nothing(
    clock_running_backwards: Path, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    script = (
        "import time, sys; from reslab.cli.main import main\n"
        "assert time.time() - time.time() > 3000\n"
        "main(sys.argv[1:])"
    )
    train = (*TRAIN, "--steps", "20", "--out", str(folder))
    subprocess.run(
        [sys.executable, "-c", script, *train],
        env={**os.environ, "LD_PRELOAD": str(clock_running_backwards)},
        check=True,
        timeout=120,
        capture_output=True,
    )
    assert find_differences(folder, whole) == []
    elapsed = [record["elapsed_seconds"] for record in RunDirectory(folder).read_metrics()]
    assert elapsed == sorted(elapsed)
    assert elapsed[0] > 0
