"""A whole platform in its own processes, on its own database, and how tests talk to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
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
        }
        self.platform = Platform(run_dir, env=env)
        # A venue that people connect with keys of their own: the same exchange under Binance's name.
        self.platform.env["EXCHANGE_URL_OVERRIDES"] = json.dumps({"binance": self.platform.paper_url})

    def start(self) -> None:
        self.platform.manage("migrate", "--no-input")
        for name in ("paper", "web", "trading", "default", "beat", "watcher"):
            self.platform.start(name)
        self.platform.wait_ready()
        self.control("POST", "price", {"symbol": "BTCUSDT", "price": "100000"})
        self.control("POST", "price", {"frozen": True})

    def stop(self) -> None:
        self.platform.stop_all()
        databases.drop(self.server_url, self.name, env=environment.base(), log=self.log)

    def inside(self, function: str, **arguments: Any) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", self.inside_module, function, json.dumps(arguments)],
            cwd=ROOT,
            env=self.platform.env | {"DJANGO_SETTINGS_MODULE": "copytrade.settings"},
            capture_output=True,
            text=True,
            check=False,
            timeout=self.inside_seconds,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

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
