"""What a benchmark runs on: two trading workers and a paper exchange, on a database of their own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from benchmarks.orders import PRICE, VENUE_SYMBOL, Keys
from local import databases, environment
from local.paths import RUN
from local.platform import Platform
from local.report import step
from local.run_folder import temporary

WORKERS = ("trading", "trading-2")
BALANCE = "100000000"
# Not the one of a platform that may run here.
REDIS_DATABASE = 6
AUDIT_PAGE = 10_000


class Stage:
    """The running processes, and what a benchmark says to the exchange."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.http = requests.Session()
        self.audited = 0

    @property
    def venue(self) -> str:
        return self.platform.paper_url

    @property
    def worker_pids(self) -> list[int]:
        return [self.platform.children[name].process.pid for name in WORKERS]

    @property
    def venue_pid(self) -> int:
        return self.platform.children["paper"].process.pid

    def open_accounts(self, count: int) -> list[Keys]:
        body = {"count": count, "balances": {"USDT": BALANCE}}
        return [Keys(**keys) for keys in self._ask("POST", "/paper/accounts", body)]

    def set_latency(self, milliseconds: int) -> None:
        """Of every order from now on: half of it before the exchange accepts it, half after."""
        self._ask("DELETE", "/control/faults")
        if milliseconds:
            self._ask("POST", "/control/faults", {"kind": "latency", "endpoint": "order", "ms": milliseconds})

    def accepted(self) -> list[dict[str, Any]]:
        """The orders that the exchange has accepted since this was asked last."""
        orders: list[dict[str, Any]] = []
        while True:
            page = self._ask("GET", f"/control/audit?after={self.audited}&limit={AUDIT_PAGE}")
            if page["next"] == self.audited:
                return orders
            orders += page["orders"]
            self.audited = page["next"]

    def hold_the_price(self) -> None:
        self._ask("POST", "/control/price", {"symbol": VENUE_SYMBOL, "price": PRICE})
        self._ask("POST", "/control/price", {"frozen": True})

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, self.venue + path, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()


@contextlib.contextmanager
def running() -> Iterator[Stage]:
    """Everything started and warm. From here on Django's environment is the platform's own."""
    with (
        temporary(RUN, "bench-") as (run_dir, lock),
        own_database(run_dir) as env,
        stopped_at_the_end(Platform(run_dir, env=env, keep_open=(lock,))) as platform,
    ):
        os.environ.update(platform.env | {"LOG_LEVEL": "WARNING"})
        with step("migrating a database"):
            platform.manage("migrate", "--no-input")
        with step("starting the paper exchange and two trading workers"):
            platform.start("paper")
            platform.wait_ready("paper")
            for name in WORKERS:
                platform.start("trading", as_name=name)
            platform.wait_ready(*WORKERS)
        stage = Stage(platform)
        stage.hold_the_price()
        yield stage


@contextlib.contextmanager
def own_database(run_dir: Path) -> Iterator[dict[str, str]]:
    """The environment of a platform, on a database that is dropped afterwards."""
    url, log = os.environ["DATABASE_URL"], run_dir / "databases.log"
    name = databases.unique_name("copytrade_bench")
    env = environment.for_platform(environment.new_secrets()) | {"DEBUG": "false"}
    env["REDIS_URL"] = os.environ["REDIS_URL"].rpartition("/")[0] + f"/{REDIS_DATABASE}"
    env["DATABASE_URL"] = databases.create(url, name, env=env, log=log)
    try:
        yield env
    finally:
        databases.drop(url, name, env=env, log=log)


@contextlib.contextmanager
def stopped_at_the_end(platform: Platform) -> Iterator[Platform]:
    try:
        yield platform
    finally:
        platform.stop_all()
