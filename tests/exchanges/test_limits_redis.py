"""Several processes, one Redis: they count together, and each alone when it is away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from exchanges import limits
from exchanges.shared_limits import OwnStore, RedisStore
from exchanges.standing import Budget, Pause, View, Wish

ROOT = Path(__file__).resolve().parents[2]
# Emptied before and after each of these tests, so each process of a test run has its own: 15 or 14.
OWN_DATABASE = 15 - int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 2

ACTS = st.one_of(
    st.tuples(
        st.just("take"),
        st.integers(1, 60),
        st.integers(1, 20),
        st.sampled_from([0.0, 10.0]),
        st.sampled_from([0.0, 2.0]),
    ),
    st.tuples(st.just("block"), st.integers(1, 20)),
    st.tuples(st.just("open_breaker"), st.sampled_from([1.0, 1.25])),
    st.tuples(st.sampled_from(["look", "claim_probe", "close_breaker"])),
)


@pytest.fixture
def redis_url() -> Iterator[str]:
    url = urlsplit(settings.REDIS_URL)._replace(path=f"/{OWN_DATABASE}").geturl()
    client = redis.Redis.from_url(url)
    client.flushdb()
    yield url
    client.flushdb()
    client.close()


@pytest.fixture
def shared(redis_url: str) -> Iterator[None]:
    limits.configure(redis_url)
    yield
    limits.configure("")


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def act(store: OwnStore | RedisStore, called: tuple[Any, ...]) -> View:
    name, *rest = called
    if name == "take":
        wanted, least, floor, ahead = rest
        return store.take("paper||x", Budget(100, 10), Wish(wanted, least, floor, ahead))
    if name == "block":
        return store.block("paper||x", rest[0], Pause.RATE_LIMITED)
    seen: View = getattr(store, name)("paper||x", *rest)
    return seen


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(calls=st.lists(st.tuples(st.integers(0, 8), ACTS), min_size=1, max_size=25))
def test_redis_follows_the_same_rules(redis_url: str, calls: list[tuple[int, Any]]) -> None:
    clock = Clock()
    together, alone = RedisStore(redis_url, clock), OwnStore(clock)
    together.forget("paper||x")
    for pause, called in calls:
        clock.now += pause * 0.5
        there, here = act(together, called), act(alone, called)
        assert there.granted == here.granted, called
        assert there.wait == pytest.approx(here.wait, abs=1e-4)
        assert there.blocked_for == pytest.approx(here.blocked_for, abs=1e-4)
        assert (there.reason, there.is_half_open) == (here.reason, here.is_half_open), called
    together.close()


GREEDY = """
import sys
from exchanges import limits
limits.configure(sys.argv[1])
print(sum(limits.allowance("binance", "", wanted=100, is_exit=False, within_seconds=0) for _ in range(40)))
"""


def test_two_processes_share_one_bucket(redis_url: str, shared: None) -> None:
    command = [sys.executable, "-c", GREEDY, redis_url]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={}) for _ in range(2)
    ]
    taken = [int(process.communicate(timeout=30)[0]) for process in processes]
    # Both asked for 4000; what comes back while they run depends on the machine.
    at_once = limits.capacity("binance").at_once
    assert at_once <= sum(taken) < at_once + 600
    assert limits.allowance("binance", "", wanted=10**6, is_exit=True, within_seconds=0) >= 600


NEIGHBOUR = """
import json, sys
from datetime import UTC, datetime
from decimal import Decimal
from exchanges import gateway, limits, loop
from exchanges.errors import RateLimited
from exchanges.types import Account, Credentials, OrderRequest, OrderType, Side
limits.configure(sys.argv[1])
gateway.configure({}, sys.argv[2])
account, now = Account("paper", Credentials("other", "keys")), datetime.now(UTC)
order = OrderRequest("cneighbour", "BTC/USDT", Side.BUY, OrderType.MARKET, Decimal(1), None, now)
try:
    loop.run(gateway.place(account, order), 10)
except RateLimited as refused:
    allowed = limits.allowance("paper", "", wanted=5, is_exit=True)
    print(json.dumps([refused.retry_after, limits.state("paper").reason, allowed]))
"""


def test_a_pause_that_one_process_was_asked_for_holds_every_process(redis_url: str, paper: Any) -> None:
    limits.configure(redis_url)
    gate = limits.gate_of("paper")
    limits._ask(lambda store: store.block(gate.name, 30, Pause.RATE_LIMITED))
    paper.fail(kind="status", status=500, count=1000)
    command = [sys.executable, "-c", NEIGHBOUR, redis_url, paper.url]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={}, timeout=30)
    assert told.stdout, told.stderr
    retry_after, reason, allowed = json.loads(told.stdout)
    assert 5 < retry_after <= 30
    assert (reason, allowed) == (Pause.RATE_LIMITED, 0)
    assert paper.control("GET", "faults")[0]["count"] == 1000


def test_staff_see_every_address_that_something_was_sent_to(redis_url: str, shared: None) -> None:
    proxy = "http://someone:secret@10.1.2.3:8080"
    limits.allowance("binance", proxy, wanted=1, is_exit=False)
    limits.allowance("okx", "", wanted=1, is_exit=False)
    seen = {(state.exchange, state.address): state for state in limits.states()}
    assert seen.keys() == {("binance", "10.1.2.3:8080"), ("okx", "")}
    assert all(state.blocked_until is None for state in seen.values())
    assert "secret" not in repr(seen)


def test_without_redis_a_process_counts_for_itself_and_says_so_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REDIS_AGAIN_AFTER_SECONDS", 0.0)
    limits.configure("redis://127.0.0.1:1/0")
    taken = [limits.allowance("okx", "", wanted=300, is_exit=False, within_seconds=0) for _ in range(3)]
    assert taken[0] == 300
    assert sum(taken) < 410
    assert [record.getMessage() for record in caplog.records if "Redis is away" in record.getMessage()] == [
        "Redis is away, each process keeps the venues' limits alone: ConnectionError"
    ]


def test_when_redis_is_back_it_hears_of_the_pauses_meanwhile(
    redis_url: str, shared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> View:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(limits, "REDIS_AGAIN_AFTER_SECONDS", 0.0)
    name = limits.gate_of("binance").name
    with monkeypatch.context() as outage:
        outage.setattr(RedisStore, "_act", away)
        limits._ask(lambda store: store.block(name, 30, Pause.RATE_LIMITED))
    assert limits.blocked_until("binance") is not None
    other = RedisStore(redis_url)
    assert 25 < other.look(name).blocked_for <= 30
    other.close()


def test_a_pause_told_by_redis_stays_when_redis_goes(
    redis_url: str, shared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = limits.gate_of("binance")
    limits._ask(lambda store: store.block(gate.name, 30, Pause.RATE_LIMITED))
    assert limits.state("binance").blocked_until is not None

    def away(*_: object) -> View:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(RedisStore, "_act", away)
    assert limits.allowance("binance", "", wanted=5, is_exit=True) == 0
    state = limits.state("binance")
    assert state.blocked_until is not None
    assert state.reason == Pause.RATE_LIMITED
