"""What processes cost: CPU seconds and memory, from /proc and from the engines themselves."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection

_TICKS = os.sysconf("SC_CLK_TCK")
_PPID, _UTIME, _CSTIME = 1, 11, 14  # fields of /proc/PID/stat, counted after the command's name


def cpu_seconds(pid: int, *, with_children: bool = False) -> float:
    """User and system time; with those of children that have ended and were waited for."""
    fields = _stat(pid)
    last = _CSTIME if with_children else _UTIME + 1
    return sum(int(field) for field in fields[_UTIME : last + 1]) / _TICKS


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


class Meter:
    """CPU seconds by part of the platform. PostgreSQL is left out where it runs on another machine."""

    def __init__(self, *, workers: Iterable[int], venue: int) -> None:
        self.workers = tuple(workers)
        self.venue = venue
        self.postmaster = _postmaster()
        self.redis = redis.Redis.from_url(settings.REDIS_URL)

    def read(self) -> dict[str, float]:
        seconds = {
            "workers": sum(cpu_seconds(pid) for pid in self.workers),
            "redis": self._redis_seconds(),
            "venue": cpu_seconds(self.venue),
        }
        if self.postmaster:
            own = cpu_seconds(self.postmaster, with_children=True)
            seconds["postgresql"] = own + _seconds_of_children(self.postmaster)
        return seconds

    def since(self, before: dict[str, float]) -> dict[str, float]:
        return {name: seconds - before[name] for name, seconds in self.read().items()}

    def _redis_seconds(self) -> float:
        told = self.redis.info("cpu")
        assert isinstance(told, dict)
        return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


def _postmaster() -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    name = Path(f"/proc/{backend}/comm")
    if not name.exists() or not name.read_text(encoding="utf-8").startswith("postgres"):
        return None
    return int(_stat(backend)[_PPID])


def _seconds_of_children(parent: int) -> float:
    seconds = 0.0
    for folder in Path("/proc").iterdir():
        # A process may end while it is looked at.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if folder.name.isdecimal() and int(_stat(int(folder.name))[_PPID]) == parent:
                seconds += cpu_seconds(int(folder.name))
    return seconds


def _stat(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return text.rpartition(")")[2].split()
