"""What the page costs training: clients that poll while runs train, against nobody looking.

    python benchmarks/web_load.py --out results/web-load.json

Starts the page over a folder in which runs train, one thread each, and measures in turns, without
clients and with them: steps of training a second, steps for each second of CPU time, how much CPU
time the page takes, and how long it takes to answer. Each client keeps its connection, shows all
runs' curves, and asks every two seconds what is new, as the page in a browser does; it takes what
is sent and remembers it, but draws nothing.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PERIOD_SECONDS = 2.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
TICK = "runs-tick"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What was seen in one window."""

    seconds: float
    steps_per_second: float
    """Of all runs together, from line to line of their measurements."""
    training_cpu_seconds: float
    page_cpu_seconds: float
    clients_cpu_seconds: float
    answers: tuple[float, ...] = ()
    """Seconds from asking to the last byte."""


class Client:
    """One open page: a connection, and what it has seen."""

    def __init__(self, address: str, runs: Sequence[str]) -> None:
        parts = urlsplit(address)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.runs = list(runs)

    async def open(self) -> None:
        """Connect, and learn from the page how it asks."""
        await self._connect()
        dependencies = json.loads(await self._ask("GET", "/_dash-dependencies"))
        asked = [one for one in dependencies if "runs.rowTransaction" in one["output"]]
        self.callback = asked[0]
        self.seen: dict[str, Any] = {"version": 0, "curves": []}
        await self.poll()

    async def poll(self) -> float:
        """Ask what is new; returns how many seconds the answer took."""
        body = json.dumps(self._question()).encode()
        began = time.perf_counter()
        answer = await self._ask("POST", "/_dash-update-component", body)
        took = time.perf_counter() - began
        if answer:
            self.seen = json.loads(answer)["response"]["seen"]["data"]
        return took

    def _question(self) -> dict[str, Any]:
        values = {
            f"{TICK}.n_intervals": 1,
            "chosen.data": self.runs,
            "seen.data": self.seen,
            "smoothing.value": 0,
            "quantity": "error",
            "against": "steps",
            "parts": ["training", "test"],
            "looks": [],
        }

        def fill(one: dict[str, str]) -> dict[str, Any]:
            is_pattern = one["id"].startswith("{")
            name: Any = json.loads(one["id"]) if is_pattern else one["id"]
            key = name["toggle"] if is_pattern else f"{name}.{one['property']}"
            return {"id": name, "property": one["property"], "value": values[key]}

        outputs = self.callback["output"].strip(".").split("...")
        return {
            "output": self.callback["output"],
            "outputs": [_name_output(one) for one in outputs],
            "inputs": [fill(one) for one in self.callback["inputs"]],
            "state": [fill(one) for one in self.callback["state"]],
            "changedPropIds": [f"{TICK}.n_intervals"],
        }

    async def _connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)

    async def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        await self.writer.drain()
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status = answer.split(maxsplit=2)[1]
        if status not in ("200", "204"):
            raise RuntimeError(f"{path} was answered with {status}")
        headers = dict(line.lower().split(": ", 1) for line in answer.split("\r\n")[1:] if line)
        content = await self.reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.writer.close()
            await self._connect()
        return content


def _name_output(text: str) -> dict[str, Any]:
    name, _, prop = text.rpartition(".")
    return {"id": json.loads(name) if name.startswith("{") else name, "property": prop}


async def poll_until(clients: Sequence[Client], end: float) -> list[float]:
    """Every client asks every two seconds, each at its own moment, until `end`."""
    answers: list[float] = []

    async def keep_asking(client: Client) -> None:
        await asyncio.sleep(random.random() * PERIOD_SECONDS)  # noqa: S311
        while time.monotonic() < end:
            answers.append(await client.poll())
            await asyncio.sleep(max(0.0, PERIOD_SECONDS - answers[-1]))

    await asyncio.gather(*map(keep_asking, clients))
    return answers


def cpu_seconds(process: int) -> float:
    """CPU time of a process so far (Linux)."""
    words = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS_PER_SECOND


def last_lines(folders: Sequence[Path]) -> list[tuple[int, float]]:
    """Step and seconds of training at each run's last measurement."""
    from reslab.runs.metrics import read_latest  # noqa: PLC0415

    latest = [read_latest(folder / "metrics.jsonl", ()) for folder in folders]
    return [(one.get("step", 0), one.get("elapsed_seconds", 0.0)) for one in latest]


def rate(before: Sequence[tuple[int, float]], after: Sequence[tuple[int, float]]) -> float:
    """Steps a second between the last lines before and after, all runs together."""
    return sum((b[0] - a[0]) / (b[1] - a[1]) for a, b in zip(before, after, strict=True))


class Bench:
    """Runs that train, the page over them, and clients."""

    def __init__(self, root: Path, runs: int, steps: int, clients: int) -> None:
        self.folders = [root / f"run-{i}" for i in range(runs)]
        self.training = [_start_training(path, steps, i) for i, path in enumerate(self.folders)]
        command = [sys.executable, "-m", "reslab", "ui", str(root), "--port", "0", "--json"]
        self.page = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.page.stdout is not None  # noqa: S101
        address = json.loads(self.page.stdout.readline())["address"]
        names = [folder.name for folder in self.folders]
        self.clients = [Client(address, names) for _ in range(clients)]

    async def measure(self, seconds: float, *, with_clients: bool) -> Sample:
        """One window."""
        lines, began = last_lines(self.folders), time.monotonic()
        before = self._cpu()
        if with_clients:
            answers = await poll_until(self.clients, began + seconds)
        else:
            answers = []
            await asyncio.sleep(seconds)
        after = self._cpu()
        training, page, clients = (b - a for a, b in zip(before, after, strict=True))
        if any(process.poll() is not None for process in self.training):
            raise SystemExit("a run ended while it was measured: give more --steps")
        return Sample(
            seconds=time.monotonic() - began,
            steps_per_second=rate(lines, last_lines(self.folders)),
            training_cpu_seconds=training,
            page_cpu_seconds=page,
            clients_cpu_seconds=clients,
            answers=tuple(answers),
        )

    def _cpu(self) -> tuple[float, float, float]:
        training = sum(cpu_seconds(process.pid) for process in self.training)
        return training, cpu_seconds(self.page.pid), cpu_seconds(os.getpid())

    def close(self) -> None:
        """End what was started."""
        for process in (*self.training, self.page):
            process.terminate()
            process.wait()


def _start_training(folder: Path, steps: int, seed: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "reslab", "train", "resnet20", "--width", "8"]
    command += [
        "--steps",
        str(steps),
        "--seed",
        str(seed),
        "--threads",
        "1",
        "--device",
        "cpu",
    ]
    command += ["--compile", "never", "--out", str(folder)]
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=nothing, stderr=nothing)


async def compare(bench: Bench, rounds: int, seconds: float) -> list[tuple[Sample, Sample]]:
    """Windows without and with clients in turns, which of them first changing too."""
    for client in bench.clients:
        await client.open()
    pairs = []
    for i in range(rounds):
        order = (False, True) if i % 2 == 0 else (True, False)
        samples = [await bench.measure(seconds, with_clients=one) for one in order]
        pairs.append((samples[order.index(False)], samples[order.index(True)]))
        print(summarise(pairs), flush=True)
    return pairs


def summarise(pairs: Sequence[tuple[Sample, Sample]]) -> dict[str, Any]:
    """Medians over the rounds, with the spread where it decides."""
    wall = [_slower(i.steps_per_second, j.steps_per_second) for i, j in pairs]
    cpu = [_slower(_per_cpu_second(i), _per_cpu_second(j)) for i, j in pairs]
    answers = sorted(1000 * one for _, loaded in pairs for one in loaded.answers)
    loaded = [sample for _, sample in pairs]
    return {
        "rounds": len(pairs),
        "slower_pct": _spread(wall),
        "slower_in_each_round_pct": [round(one, 1) for one in wall],
        "slower_for_each_cpu_second_pct": _spread(cpu),
        "page_cpu_share_pct": _spread([100 * s.page_cpu_seconds / s.seconds for s in loaded]),
        "clients_cpu_share_pct": _spread([100 * s.clients_cpu_seconds / s.seconds for s in loaded]),
        "answers": len(answers),
        "answer_ms": {
            "median": round(statistics.median(answers), 1),
            "p95": round(answers[int(0.95 * len(answers))], 1),
            "max": round(answers[-1], 1),
        },
    }


def _slower(idle: float, loaded: float) -> float:
    return 100 * (1 - loaded / idle)


def _per_cpu_second(sample: Sample) -> float:
    return sample.steps_per_second * sample.seconds / sample.training_cpu_seconds


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 2),
        "low": round(min(values), 2),
        "high": round(max(values), 2),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--steps", type=int, default=12_000, help="of each run; it logs 200 times")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        bench = Bench(Path(root), options.runs, options.steps, options.clients)
        try:
            # Past the start, when nothing is measured yet.
            while min(step for step, _ in last_lines(bench.folders)) < 50:
                time.sleep(0.5)
            pairs = asyncio.run(compare(bench, options.rounds, options.seconds))
        finally:
            bench.close()
    found = {
        "clients": options.clients,
        "runs": options.runs,
        "steps": options.steps,
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg(),
        **summarise(pairs),
    }
    print(json.dumps(found, indent=2))
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
