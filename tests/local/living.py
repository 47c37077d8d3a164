"""Which processes of a run still live."""

import os
import time
from collections.abc import Callable
from pathlib import Path

MARK = "COPYTRADE_TEST_MARK"
PATIENCE_SECONDS = 20.0


def living(mark: str, run_dir: Path) -> list[str]:
    """Processes with the mark in their environment or at home in the folder: PostgreSQL wipes the mark."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            home = os.readlink(process / "cwd")
            ours = (
                home.startswith(str(run_dir))
                or f"{MARK}={mark}".encode() in (process / "environ").read_bytes()
            )
            if ours and process.name != str(os.getpid()):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it ended while we looked, or is not ours to look at
            continue
    return found


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
