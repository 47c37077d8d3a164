"""Counts of many processes in one folder, so that a scrape of any of them shows the sum.

Each process writes files of its own there and holds a lock for as long as it lives. The files of the dead are
added up into one, lest counts fall or files pile up. In a folder where nobody lives all begins at nothing.
Settings call `share` before any metric exists.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

DEFAULT = Path(__file__).resolve().parent.parent / ".run" / "metrics"
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
SERVERS = {"gunicorn", "celery"}
# Kinds that add up; of a dead process's gauges nothing is left to tell.
ADDED_UP = ("counter", "histogram", "summary")
DEAD = "dead"
ALIVE = ".alive"


class _Myself:
    """This process's name in the folder, and the lock by which others see that it lives."""

    folder = DEFAULT
    pid = 0
    name = ""
    lock: IO[str] | None = None


def is_server(arguments: Sequence[str]) -> bool:
    """Whether this process serves for long: single commands need share nothing."""
    program = Path(arguments[0])
    return bool(SERVERS & {program.name, program.parent.name}) or "watch_masters" in arguments


def share_if_server(folder: Path) -> None:
    if is_server(sys.argv) and VARIABLE not in os.environ:
        share(folder)


def share(folder: Path) -> None:
    """From here on this process counts in the folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _Myself.folder = folder
    fold_dead(folder)
    os.environ[VARIABLE] = str(folder)
    values.ValueClass = values.MultiProcessValue(_name)


def _name() -> str:
    """Asked at each count: after a fork it is another one."""
    pid = os.getpid()
    if pid != _Myself.pid:
        name = f"{socket.gethostname().replace('_', '-')}-{pid}"
        with locked(_Myself.folder, fcntl.LOCK_EX):
            lock = (_Myself.folder / f"{name}{ALIVE}").open("w")
            fcntl.flock(lock, fcntl.LOCK_EX)
        _Myself.pid, _Myself.name, _Myself.lock = pid, name, lock
    return _Myself.name


@contextlib.contextmanager
def locked(folder: Path, how: int) -> Iterator[None]:
    """LOCK_SH to read all files, LOCK_EX to move counts between them."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, how)
        yield


def fold_dead(folder: Path) -> None:
    """Add up what the dead have counted; where nobody lives, forget it."""
    with locked(folder, fcntl.LOCK_EX):
        marks = list(folder.glob(f"*{ALIVE}"))
        dead = [mark for mark in marks if _is_dead(mark)]
        if len(dead) == len(marks):
            _remove(folder.glob("*.db"))
        for mark in dead:
            files = list(folder.glob(f"*_{mark.stem}.db"))
            for kind in ADDED_UP:
                _add_up([file for file in files if file.name.startswith(f"{kind}_")], kind, folder)
            _remove([*files, mark])


def _is_dead(mark: Path) -> bool:
    with mark.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _add_up(files: Sequence[Path], kind: str, folder: Path) -> None:
    if not files:
        return
    total = MmapedDict(str(folder / f"{kind}_{DEAD}.db"))
    try:
        for file in files:
            for key, value, _moment, _position in MmapedDict.read_all_values_from_file(str(file)):
                total.write_value(key, total.read_value(key)[0] + value, 0.0)
    finally:
        total.close()


def _remove(files: Iterator[Path] | Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
