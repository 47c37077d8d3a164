"""What can be struck: a process of the platform, or an engine that it stands on.

Killed as a power failure does, frozen as a stalled machine is; then brought back on the same address.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Protocol

from local.platform import Platform
from local.postgres import Postgres
from local.report import Refusal
from local.valkey import ATTEMPTS, Valkey

GONE_SECONDS = 10.0
_STATE, _PPID = 0, 1  # in /proc/PID/stat, counted after the command's name


class Victim(Protocol):
    def kill(self) -> None:
        """At once and without a farewell."""

    def revive(self) -> None:
        """Start what was killed again."""

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...


class ProcessVictim:
    def __init__(self, platform: Platform, name: str) -> None:
        self.platform = platform
        self.name = name

    def kill(self) -> None:
        self.platform.kill(self.name)

    def revive(self) -> None:
        self.platform.restart(self.name)

    def freeze(self) -> None:
        self.platform.kill(self.name, signal.SIGSTOP)

    def thaw(self) -> None:
        self.platform.kill(self.name, signal.SIGCONT)


class SteadyValkey(Valkey):
    """Comes back on the port that it had: those who use it know no other."""

    def revive(self) -> None:
        for _ in range(ATTEMPTS):
            child = self.child = self._spawn(())
            if self._ready(child):
                return
            child.stop()
        raise Refusal(f"Valkey did not start again; see {self.run_dir / 'valkey.log'}.")

    def kill(self) -> None:
        assert self.child
        self.child.signal_group(signal.SIGKILL)
        self.child.process.wait()

    def freeze(self) -> None:
        assert self.child
        self.child.signal_group(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.child
        self.child.signal_group(signal.SIGCONT)


class PostgresVictim:
    """The server and all of its backends, each of which is a group of its own."""

    def __init__(self, server: Postgres) -> None:
        self.server = server

    def kill(self) -> None:
        assert self.server.child
        self.freeze()
        backends = _children(self.server.child.process.pid)
        self._signal(signal.SIGKILL)
        self.server.child.process.wait()
        _wait_until_gone(backends)

    def revive(self) -> None:
        self.server.start()

    def freeze(self) -> None:
        # The parent first: it starts no further backends then.
        assert self.server.child
        os.kill(self.server.child.process.pid, signal.SIGSTOP)
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.server.child
        parent = self.server.child.process.pid
        for pid in [*_children(parent), parent]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def _children(parent: int) -> list[int]:
    return [pid for pid in _processes() if _parent_of(pid) == parent]


def _processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdecimal()]


def _parent_of(pid: int) -> int:
    """0 for one that has ended, perhaps while it is looked at."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    fields = text.rpartition(")")[2].split()
    return 0 if fields[_STATE] == "Z" else int(fields[_PPID])


def _wait_until_gone(pids: list[int]) -> None:
    """A server that starts beside living backends of the one before would ruin its data."""
    deadline = time.monotonic() + GONE_SECONDS
    while any(_parent_of(pid) for pid in pids):
        if time.monotonic() > deadline:
            raise Refusal("backends of a killed PostgreSQL do not end")
        time.sleep(0.01)
