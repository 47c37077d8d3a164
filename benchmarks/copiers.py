"""Copiers without a platform, each in a process of its own: `python -m benchmarks.copiers KIND`.

The process reads {"venue", "followers"} and then one order a line, and answers each line with one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks.bare_ccxt import BareCcxt
from benchmarks.orders import Keys, Order
from benchmarks.serial_copier import SerialCopier
from local.paths import ROOT
from local.report import Refusal

KINDS: dict[str, type[BareCcxt] | type[SerialCopier]] = {
    "bare_ccxt": BareCcxt,
    "serial_copier": SerialCopier,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Copied:
    """How long all followers took together, and the CPU of the copying processes, in seconds."""

    seconds: float
    cpu_seconds: float


class Copiers:
    """Followers dealt out evenly to processes of one kind."""

    def __init__(self, kind: str, venue: str, followers: Sequence[Keys], *, processes: int) -> None:
        self.processes = [_start(kind) for _ in range(processes)]
        for number, process in enumerate(self.processes):
            share = [dataclasses.asdict(keys) for keys in followers[number::processes]]
            _tell(process, {"venue": venue, "followers": share})
        for process in self.processes:
            _hear(process)

    def copy(self, order: Order) -> Copied:
        began = time.perf_counter()
        for process in self.processes:
            _tell(process, dataclasses.asdict(order))
        cpu_seconds = sum(_hear(process) for process in self.processes)
        return Copied(time.perf_counter() - began, cpu_seconds)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def copying(kind: str, venue: str, followers: Sequence[Keys], *, processes: int = 1) -> Iterator[Copiers]:
    copiers = Copiers(kind, venue, followers, processes=processes)
    try:
        yield copiers
    finally:
        copiers.close()


def _start(kind: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.copiers", kind]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _tell(process: subprocess.Popen[str], message: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> float:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise Refusal(f"a copier ended with exit code {process.wait()}; its own words are above.")
    return float(line)


def main(kind: str) -> None:
    setup = json.loads(sys.stdin.readline())
    copier = KINDS[kind](setup["venue"], [Keys(**keys) for keys in setup["followers"]])
    print(0.0, flush=True)
    # The end of input is the end of whoever started this.
    for line in sys.stdin:
        print(copier.copy(Order(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
