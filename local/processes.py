"""Child processes that end with us: each in a session of its own, tethered to this process."""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from local.paths import PYTHON
from local.report import Refusal

TETHER = Path(__file__).with_name("tether.py")
PR_SET_PDEATHSIG = 1
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOG_LINES_SHOWN = 15


class Stopped(BaseException):
    """Somebody asked us to stop. Like KeyboardInterrupt no Exception: nothing handles it by accident."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


class ChildDied(Refusal):
    def __init__(self, name: str, exit_code: int, last_lines: str) -> None:
        ended = f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
        super().__init__(f"{name} ended with {ended}. Its last lines were:\n{last_lines}")
        self.exit_code = exit_code
        self.last_line = last_lines.rpartition("\n")[2]


@dataclass
class Child:
    """`orphan_signal` reaches it when this process dies, `stop_signal` when it is to end in peace."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None
    log_offset: int
    stop_signal: signal.Signals
    asked_to_stop: bool = False
    started_at: float = field(default_factory=time.monotonic)

    def log_text(self) -> str:
        """What it wrote since this start."""
        if self.log is None:
            return ""
        with self.log.open("rb") as stream:
            stream.seek(self.log_offset)
            return stream.read().decode(errors="replace")

    def died(self) -> ChildDied | None:
        code = self.process.poll()
        if code is None:
            return None
        return ChildDied(self.name, code, self.last_lines())

    def last_lines(self) -> str:
        return "\n".join(self.log_text().rstrip().splitlines()[-LOG_LINES_SHOWN:])

    def signal_group(self, number: signal.Signals) -> None:
        """Its session is its own, so its group is it and all that it started."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    def ask_to_stop(self) -> None:
        """Once: to a Celery worker the second request means "drop what you do"."""
        if not self.asked_to_stop and self.process.poll() is None:
            self.asked_to_stop = True
            self.process.send_signal(self.stop_signal)

    def stop(self, *, patience: float = 10.0) -> None:
        """Ask, wait at most `patience` seconds, then end it and whatever it left behind."""
        self.ask_to_stop()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.signal_group(signal.SIGKILL)
            self.process.wait()
        self.signal_group(signal.SIGKILL)


def spawn(
    name: str,
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path | None = None,
    input: IO[bytes] | int | None = subprocess.DEVNULL,
    identity: str = "same",
    stop_signal: signal.Signals = signal.SIGTERM,
    orphan_signal: signal.Signals = signal.SIGKILL,
    keep_open: Sequence[int] = (),
) -> Child:
    """Start a command; without `log` it writes where we write. `keep_open`: descriptors that it inherits."""
    if threading.current_thread() is not threading.main_thread():
        # The kernel's "parent died" means the thread that started the child.
        raise RuntimeError(f"{name} must be started from the main thread")
    tethered = [
        PYTHON,
        "-I",
        "-S",
        TETHER,
        str(int(orphan_signal)),
        str(os.getpid()),
        identity,
        *command,
    ]
    output = log.open("ab") if log else None
    try:
        offset = output.tell() if output else 0
        process = subprocess.Popen(
            tethered,
            cwd=cwd,
            env=dict(env),
            stdin=input,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
            pass_fds=keep_open,
        )
    finally:
        if output:
            output.close()
    return Child(name, process, log, offset, stop_signal)


def run(
    name: str, command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path | None = None
) -> int:
    """Run a command to its end and return its exit code; a request to stop is passed on to it first."""
    child = spawn(
        name,
        command,
        env=env,
        cwd=cwd,
        log=log,
        input=None if log is None else subprocess.DEVNULL,
        stop_signal=signal.SIGINT,
    )
    try:
        return child.process.wait()
    finally:
        child.stop()


def run_or_refuse(
    name: str, command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path
) -> str:
    """Run a command quietly and return what it wrote; raises ChildDied with the last lines when it fails."""
    child = spawn(name, command, env=env, cwd=cwd, log=log)
    try:
        child.process.wait()
        death = child.died()
    finally:
        child.stop()
    if death and death.exit_code != 0:
        raise death
    return child.log_text()


def _stop(number: int, _frame: FrameType | None) -> None:
    # A second Ctrl-C must not leave half of it running. The way out is bounded in time.
    for each in STOPPING_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def take_charge() -> None:
    """Turn the signals that end a process into `Stopped`, and ask for one when our own parent dies."""
    for number in STOPPING_SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, _stop)
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        raise Stopped(signal.SIGTERM)
