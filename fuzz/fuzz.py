"""Coverage-guided fuzzing of every parser (needs the extra `fuzz`: atheris, Python 3.11 or 3.12).

    python fuzz/fuzz.py --list
    python fuzz/fuzz.py metrics curves --seconds 600 --out fuzz-out

Each target runs in a process of its own, from seeds that the library itself wrote. What was found
lies in `OUT/TARGET/findings`, one input for each place that an unexpected error came from with its
traceback beside it, and the corpus beside that, from which the next call goes on. The lines say how
many inputs were tried and how many branches they reached.
"""

import argparse
import json
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

INSTRUMENTED = ["reslab", "json", "csv", "zipfile", "tarfile", "_pydecimal"]
# More than any real file of a target's kind takes.
LIMIT_SECONDS = 20
LIMIT_MEGABYTES = 3000
MAX_BYTES = 200_000


def fuzz(name: str, seconds: int, folder: Path) -> None:
    """Fuzz one target in this process, which libFuzzer ends."""
    import atheris  # noqa: PLC0415

    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        from targets import TARGETS  # noqa: PLC0415
    from mutation import mutate_json  # noqa: PLC0415

    def mutate(content: bytes, max_size: int, seed: int) -> bytes:
        return mutate_json(content, max_size, seed, atheris.Mutate)

    target = TARGETS[name]()
    corpus, findings = folder / "corpus", folder / "findings"
    for each in (corpus, findings):
        each.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(target.seeds()):
        (corpus / f"seed-{i}").write_bytes(seed)
    options = {
        "max_total_time": seconds,
        "timeout": LIMIT_SECONDS,
        # Only what takes longer than the limit is a finding.
        "report_slow_units": LIMIT_SECONDS,
        "rss_limit_mb": LIMIT_MEGABYTES,
        "max_len": MAX_BYTES,
        "print_final_stats": 1,
        "artifact_prefix": f"{findings}/",
    }
    arguments = [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(corpus)]
    custom = {"custom_mutator": mutate} if target.is_json else {}
    atheris.Setup(arguments, keeping_findings(target.parse, findings), **custom)
    atheris.Fuzz()


def keeping_findings(parse: Callable[[bytes], object], folder: Path) -> Callable[[bytes], None]:
    """The parser with each unexpected error kept, the first of its place, and fuzzing going on."""

    def parse_and_keep(content: bytes) -> None:
        try:
            parse(content)
        except Exception as error:  # noqa: BLE001 - what is expected, the target has caught
            place = traceback.extract_tb(error.__traceback__)[-1]
            name = f"{type(error).__name__}-{Path(place.filename).stem}-{place.lineno}"
            if not (folder / name).exists():
                (folder / name).write_bytes(content)
                (folder / f"{name}.txt").write_text("".join(traceback.format_exception(error)))

    return parse_and_keep


def run(name: str, seconds: int, out: Path) -> dict[str, object]:
    """Fuzz one target in a process of its own, and tell what came of it."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        __file__,
        name,
        "--seconds",
        str(seconds),
        "--out",
        str(out),
        "--here",
    ]
    began = time.monotonic()
    with (folder / "log").open("w", encoding="utf-8") as log:
        code = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
    text = (folder / "log").read_text(encoding="utf-8", errors="replace")
    inputs = re.findall(r"stat::number_of_executed_units:\s*(\d+)", text)
    reached = re.findall(r"cov: (\d+) ft: (\d+)", text)
    return {
        "target": name,
        "seconds": round(time.monotonic() - began),
        "inputs": int(inputs[-1]) if inputs else None,
        "branches": int(reached[-1][0]) if reached else None,
        "features": int(reached[-1][1]) if reached else None,
        "corpus": len(list((folder / "corpus").glob("*"))),
        "findings": len([p for p in (folder / "findings").glob("*") if p.suffix != ".txt"]),
        "code": code,
    }


def main() -> int:
    """Fuzz the targets named, or all; 1 if there were findings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--out", type=Path, default=Path("out/fuzz"))
    parser.add_argument("--list", action="store_true", help="name the targets, and do nothing")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        fuzz(options.targets[0], options.seconds, options.out / options.targets[0])
        return 0
    from targets import TARGETS  # noqa: PLC0415

    from reslab.cli.output import print_line  # noqa: PLC0415

    if options.list:
        print_line("\n".join(TARGETS))
        return 0
    rows = []
    for name in options.targets or TARGETS:
        rows.append(run(name, options.seconds, options.out))
        print_line(json.dumps(rows[-1]))
        sys.stdout.flush()
    return 1 if any(row["findings"] or row["code"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
