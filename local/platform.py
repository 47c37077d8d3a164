"""The platform's processes, started as the Procfile says: the same in the demo, the tests and production."""

import http.client
import re
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.paths import PROCFILE, ROOT
from local.ports import free_port, is_connectable
from local.processes import Child, run, run_or_refuse, spawn
from local.report import Refusal

READY_SECONDS = 60.0
PROCESSES = ("web", "trading", "default", "beat", "watcher")
# What each says when it has started; of others any line will do.
READY_LINES = {
    "trading": r"\bready\b",
    "default": r"\bready\b",
    "beat": "beat: Starting",
    "watcher": "watching masters",
}
# gunicorn has processes of its own to end first, the others are one process that may die at any point.
ORPHAN_SIGNALS = {"web": signal.SIGQUIT}


def read_procfile(path: Path) -> dict[str, str]:
    """Name → shell command."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(":", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): command.strip() for name, command in pairs}


class Platform:
    """One running platform. `env` names its engines and secrets; the rest (ports, folders) is chosen here.

    Must be used from the main thread. A process of which two are wanted is started again under another name:
    `start("trading", as_name="trading-2")`.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        env: Mapping[str, str],
        web_port: int | None = None,
        keep_open: tuple[int, ...] = (),
        procfile: Path = PROCFILE,
    ) -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self.run_dir = run_dir
        self.web_port = web_port or free_port()
        self.paper_port = free_port()
        # A name, since browsers keep no passkey for a bare address.
        self.url = f"http://localhost:{self.web_port}"
        self.paper_url = f"http://127.0.0.1:{self.paper_port}"
        self.env = {
            **env,
            "HOST": "127.0.0.1",
            "PORT": str(self.web_port),
            "PUBLIC_URL": self.url,
            "PAPER_PORT": str(self.paper_port),
            "PAPER_JOURNAL": str(run_dir / "paper.journal"),
            "PAPER_EXCHANGE_URL": self.paper_url,
            "STATIC_ROOT": str(run_dir / "staticfiles"),
            "PRIVATE_FILES_DIR": str(run_dir / "private"),
            "METRICS_DIR": str(run_dir / "metrics"),
        }
        self.keep_open = keep_open
        self.commands = read_procfile(procfile)
        self.children: dict[str, Child] = {}
        self._started: dict[str, tuple[str, dict[str, str]]] = {}

    def start(
        self, process: str, *, as_name: str | None = None, env: Mapping[str, str] | None = None
    ) -> Child:
        """Start a process of the Procfile and return at once; see `wait_ready`."""
        return self._start(as_name or process, self.commands[process], dict(env or {}))

    def start_command(self, name: str) -> Child:
        """Start a long-running management command that production does not have."""
        return self._start(name, f"python manage.py {name}", {})

    def _start(self, name: str, command: str, env: dict[str, str]) -> Child:
        if name in self.children and self.children[name].process.poll() is None:
            raise ValueError(f"{name} runs already")
        self._started[name] = (command, env)
        self.children[name] = spawn(
            name,
            ["/bin/sh", "-c", f"exec {command}"],
            env={**self.env, **env},
            cwd=ROOT,
            log=self.run_dir / f"{name}.log",
            orphan_signal=ORPHAN_SIGNALS.get(name, signal.SIGKILL),
            keep_open=self.keep_open,
        )
        return self.children[name]

    def wait_ready(self, *names: str, seconds: float = READY_SECONDS) -> None:
        """Wait for these, or for all that were started; raises ChildDied or Refusal."""
        deadline = time.monotonic() + seconds
        for name in names or tuple(self.children):
            child = self.children[name]
            while not self._is_ready(name, child):
                if death := child.died():
                    raise death
                if time.monotonic() > deadline:
                    raise Refusal(f"{name} was not ready in {seconds:.0f} s; see {child.log}.")
                time.sleep(0.05)

    def _is_ready(self, name: str, child: Child) -> bool:
        process = name.split("-", 1)[0]
        if child.died():
            return False
        if process == "web":
            return _is_healthy(self.web_port)
        if process == "paper":
            return is_connectable(self.paper_port)
        return re.search(READY_LINES.get(process, "."), child.log_text()) is not None

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal a process and all that it started; with SIGKILL wait until it is gone."""
        child = self.children[name]
        child.signal_group(number)
        if number == signal.SIGKILL:
            child.process.wait()

    def restart(self, name: str) -> Child:
        """Stop it if it runs, and start it with the same command and environment."""
        self.stop(name)
        return self._start(name, *self._started[name])

    def stop(self, name: str) -> None:
        if child := self.children.get(name):
            child.stop()

    def stop_all(self) -> None:
        """All at once, in reverse order, but the exchange last: what is on the way may still arrive there."""
        others = [child for name, child in reversed(self.children.items()) if name != "paper"]
        for child in others:
            child.ask_to_stop()
        for child in others:
            child.stop()
        self.stop("paper")

    def deaths(self) -> Iterator[tuple[str, Child]]:
        """Those that ended by themselves, or were killed."""
        for name, child in self.children.items():
            if child.process.poll() is not None:
                yield name, child

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it wrote; raises ChildDied when it fails."""
        log = self.run_dir / f"{arguments[0]}.log"
        command = ["python", "manage.py", *arguments]
        return run_or_refuse(arguments[0], command, env=self.env, cwd=ROOT, log=log)

    def manage_aloud(self, *arguments: str) -> int:
        """Run a management command on our own terminal and return its exit code."""
        return run(arguments[0], ["python", "manage.py", *arguments], env=self.env, cwd=ROOT)


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
