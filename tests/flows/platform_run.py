"""A whole platform in its own processes, on its own database, and how tests talk to it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

from local import databases, environment
from local.paths import ROOT
from local.platform import Platform

Value = TypeVar("Value")
PATIENCE_SECONDS = 90.0
REDIS_DATABASE = 5


class PlatformRun:
    """`platform` are the processes; `inside` runs a function of inside.py in their environment."""

    inside_module = "tests.flows.inside"
    inside_seconds = 120.0
    insider: subprocess.Popen[str] | None = None

    def __init__(self, run_dir: Path) -> None:
        self.log = run_dir / "databases.log"
        self.server_url = os.environ["DATABASE_URL"]
        self.name = databases.unique_name("copytrade_flow")
        env = environment.for_platform(environment.new_secrets()) | {
            "DATABASE_URL": databases.create(
                self.server_url, self.name, env=environment.base(), log=self.log
            ),
            "REDIS_URL": os.environ["REDIS_URL"].rpartition("/")[0] + f"/{REDIS_DATABASE}",
            "DEBUG": "true",
            "THROTTLING": "off",
            "METRICS_TOKEN": secrets.token_hex(16),
        }
        self.platform = Platform(run_dir, env=env)
        # A venue that people connect with keys of their own: the same exchange under Binance's name.
        self.platform.env["EXCHANGE_URL_OVERRIDES"] = json.dumps({"binance": self.platform.paper_url})

    def start(self) -> None:
        self.platform.manage("migrate", "--no-input")
        for name in ("paper", "web", "trading", "default", "beat", "watcher"):
            self.platform.start(name)
        self.platform.wait_ready()
        # Held first: a price may move between two requests.
        self.control("POST", "price", {"frozen": True})
        self.control("POST", "price", {"symbol": "BTCUSDT", "price": "100000"})

    def stop(self) -> None:
        self.end_insider()
        self.platform.stop_all()
        databases.drop(self.server_url, self.name, env=environment.base(), log=self.log)

    def inside(self, function: str, **arguments: Any) -> Any:
        if self.insider is None:
            self.insider = self._start_insider()
        assert self.insider.stdin and self.insider.stdout
        patience = threading.Timer(self.inside_seconds, self.insider.kill)
        patience.start()
        print(json.dumps([function, arguments]), file=self.insider.stdin, flush=True)
        line = self.insider.stdout.readline()
        patience.cancel()
        assert line, (self.platform.run_dir / "inside.txt").read_text()[-5000:]
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def _start_insider(self) -> subprocess.Popen[str]:
        """One process for all that is asked: most of a question's time was its start."""
        # No log of the platform's, whose contents are searched.
        with (self.platform.run_dir / "inside.txt").open("w") as words:
            return subprocess.Popen(
                [sys.executable, "-m", self.inside_module],
                cwd=ROOT,
                env=self.platform.env | {"DJANGO_SETTINGS_MODULE": "copytrade.settings"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
            )

    def end_insider(self) -> None:
        if self.insider is not None:
            self.insider.communicate(timeout=20)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Say something to the paper exchange's control endpoint."""
        answer = requests.request(method, f"{self.platform.paper_url}/control/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def accepted(self, keys: list[str]) -> int:
        """How many orders of these accounts the exchange has accepted so far."""
        wanted, after, count = set(keys), 0, 0
        while True:
            page = self.control("GET", f"audit?after={after}")
            count += sum(order["key"] in wanted for order in page["orders"])
            if page["next"] == after:
                return count
            after = page["next"]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        self.platform.kill(name, number)


def eventually(
    ask: Callable[[], Value], is_good: Callable[[Value], bool], seconds: float = PATIENCE_SECONDS
) -> Value:
    """Ask until the answer is good; the last answer is in the failure."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if is_good(answer):
            return answer
        assert time.monotonic() < deadline, f"still {answer}"
        time.sleep(0.2)
