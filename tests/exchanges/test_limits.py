"""What the gateway sends, and does not send, while a venue wants to be left alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exchanges import gates, gateway, limits, loop, venues
from exchanges.errors import ExchangeError, RateLimited, Unavailable
from exchanges.gates import Gate, Purpose
from exchanges.shared_limits import OwnStore
from exchanges.standing import Budget, Pause
from exchanges.types import Account, OrderReport, OrderRequest
from tests.exchanges import orders

Order = Callable[..., OrderRequest]
PROXY = "http://user:secret@10.0.0.1:8080"


class Clock:
    """In the place of time's clocks."""

    now = 1_000_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(gates, "time", clock)
    monkeypatch.setattr(limits._standings, "own", OwnStore(clock.monotonic))
    return clock


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A paper exchange that takes 20 in 10 seconds, and 20 orders of an account."""
    paper = venues.VENUES["paper"]
    few = venues.Limits(Budget(20, 10), orders_of_account=Budget(20, 10))
    monkeypatch.setattr(venues, "VENUES", {**venues.VENUES, "paper": replace(paper, limits=few)})
    limits.lift("paper")
    yield
    limits.lift("paper")


@pytest.fixture
def neighbour(account: Account) -> Account:
    return replace(account, credentials=loop.run(gateway.open_paper_account({"USDT": Decimal(10_000)}), 10))


def place(account: Account, request: OrderRequest) -> OrderReport:
    return loop.run(gateway.place(account, request), 20)


def requests_left(paper: Any) -> int:
    """How often the one fault in force can still strike: it falls by one with every request."""
    return int(paper.control("GET", "faults")[0]["count"])


def fail_all(paper: Any, **fault: object) -> None:
    paper.fail(count=1000, **fault)


def test_after_429_no_request_of_any_account_leaves_before_the_pause_is_over(
    paper: Any, account: Account, neighbour: Account, order: Order, clock: Clock
) -> None:
    requests = [order() for _ in range(8)]
    fail_all(paper, kind="status", status=429, retry_after=30)
    with pytest.raises(RateLimited) as caught:
        place(account, requests.pop())
    assert caught.value.retry_after == 30
    assert requests_left(paper) == 999
    for passed in (0.0, 0.4, 12.0, 29.9):
        clock.now = Clock.now + passed
        for each in (account, neighbour):
            with pytest.raises(RateLimited) as refused:
                place(each, requests[0])
            assert refused.value.retry_after == pytest.approx(30 - passed)
        assert limits.allowance("paper", "", wanted=10, is_exit=True) == 0
    with pytest.raises(Unavailable) as asked:
        clock.now = Clock.now + 20
        loop.run(gateway.fetch_balances(neighbour), 10)
    assert asked.value.retry_after == pytest.approx(10)
    assert requests_left(paper) == 999
    paper.heal()
    clock.now = Clock.now + 30
    assert place(neighbour, order()).is_final


def test_the_pages_are_told_how_long_and_why(paper: Any, account: Account, order: Order) -> None:
    assert limits.state("paper").blocked_until is None
    fail_all(paper, kind="status", status=418, retry_after=300)
    with pytest.raises(Unavailable):
        loop.run(gateway.fetch_balances(account), 10)
    state, until = limits.state("paper"), limits.blocked_until("paper")
    assert (state.exchange, state.address, state.reason) == ("paper", "", Pause.RATE_LIMITED)
    assert state.blocked_until is not None
    assert until is not None
    assert timedelta(seconds=280) < until - datetime.now(UTC) < timedelta(seconds=301)
    (listed,) = limits.states()
    assert replace(listed, blocked_until=state.blocked_until) == state


def test_another_address_is_not_held_back(paper: Any, account: Account, order: Order) -> None:
    fail_all(paper, kind="status", status=429, retry_after=30)
    with pytest.raises(RateLimited):
        place(account, order())
    assert limits.blocked_until("paper", PROXY) is None
    assert limits.allowance("paper", PROXY, wanted=5, is_exit=False) == 5
    assert limits.state("paper", PROXY).address == "10.0.0.1:8080"


def test_a_ban_without_a_header_lasts_until_the_moment_in_its_text(
    paper: Any, account: Account, order: Order
) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=10)
    text = f'{{"code":-1003,"msg":"Way too many requests; IP banned until {ends.timestamp() * 1000:.0f}."}}'
    fail_all(paper, kind="status", status=418, body=text)
    with pytest.raises(RateLimited):
        place(account, order())
    until = limits.blocked_until("paper")
    assert until is not None
    assert abs(until - ends) < timedelta(seconds=5)


def test_an_account_with_too_many_orders_holds_nobody_else_back(
    wired: Any, signed_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = '{"code":-1015,"msg":"Too many new orders; current limit is 50 orders per 10 SECOND."}'
    gate = limits.gate_of("binance")
    asyncio.run(gate.failed(429, {}, body))
    assert limits.blocked_until("binance") is None
    asyncio.run(gate.failed(429, {}, '{"code":-1003,"msg":"Too much request weight used."}'))
    assert limits.blocked_until("binance") is not None


def test_a_venue_that_does_not_answer_is_left_alone_and_tried_by_one_request(
    paper: Any, account: Account, neighbour: Account, order: Order, clock: Clock
) -> None:
    request = order()
    fail_all(paper, kind="status", when="before", status=503)
    for _ in range(gates.FAILURES):
        with pytest.raises(Unavailable):
            loop.run(gateway.fetch_balances(account), 10)
    assert requests_left(paper) == 1000 - gates.FAILURES
    with pytest.raises(RateLimited, match="does not answer"):
        place(neighbour, request)
    assert limits.state("paper").reason == Pause.NOT_ANSWERING
    first = limits.state("paper").blocked_until
    clock.now += 1.6
    assert limits.state("paper").is_trying
    assert limits.allowance("paper", "", wanted=50, is_exit=False) == 1
    with pytest.raises(RateLimited):
        place(neighbour, request)
    # The probe was the only request, and the pause has grown.
    assert requests_left(paper) == 1000 - gates.FAILURES - 1
    again = limits.state("paper").blocked_until
    assert first is not None
    assert again is not None
    assert again - first >= timedelta(seconds=0.4)
    paper.heal()
    clock.now += 3.1
    assert place(neighbour, order()).is_final
    assert not limits.state("paper").is_trying
    assert limits.allowance("paper", "", wanted=50, is_exit=False) == 50


def test_answers_in_between_keep_the_breaker_closed(paper: Any, account: Account) -> None:
    for _ in range(3):
        paper.fail(kind="status", when="before", status=503, count=gates.FAILURES - 1)
        for _ in range(gates.FAILURES - 1):
            with pytest.raises(Unavailable):
                loop.run(gateway.fetch_balances(account), 10)
        loop.run(gateway.fetch_balances(account), 10)
    assert limits.blocked_until("paper") is None


def test_failures_far_apart_do_not_open_the_breaker(paper: Any, account: Account, clock: Clock) -> None:
    fail_all(paper, kind="status", when="before", status=503)
    for _ in range(2 * gates.FAILURES):
        clock.now += gates.FAILURES_WITHIN_SECONDS / 2
        with pytest.raises(Unavailable):
            loop.run(gateway.fetch_balances(account), 10)
    assert limits.blocked_until("paper") is None


def test_entries_leave_room_for_exits_and_look_ups(small: None, clock: Clock) -> None:
    assert limits.allowance("paper", "", wanted=100, is_exit=False, within_seconds=0) == 8
    assert limits.allowance("paper", "", wanted=100, is_exit=False, within_seconds=0) == 0
    gate = limits.gate_of("paper")
    assert loop.run(gate.admit(Purpose.LOOK_UP, 1, ""), 10)
    assert limits.allowance("paper", "", wanted=100, is_exit=True, within_seconds=0) == 1
    clock.now += 3
    assert limits.allowance("paper", "", wanted=100, is_exit=True, within_seconds=0) == 2


def test_an_order_beyond_what_the_venue_takes_is_not_sent(
    paper: Any, small: None, account: Account, order: Order, clock: Clock
) -> None:
    requests = [order() for _ in range(12)]
    fail_all(paper, kind="latency", ms=0)
    before = requests_left(paper)
    placed = 0
    for request in requests:
        with contextlib.suppress(RateLimited):
            place(account, request)
            placed += 1
    assert placed == before - requests_left(paper)
    assert 0 < placed <= 10


def test_what_was_allowed_is_sent_without_being_paid_twice(small: None, clock: Clock) -> None:
    allowed = limits.allowance("paper", "", wanted=100, is_exit=True, within_seconds=0)
    gate = limits.gate_of("paper")
    assert allowed == 10
    assert [gate.redeem(f"key{number}") for number in range(11)] == [True] * 10 + [False]
    with pytest.raises(RateLimited):
        loop.run(gate.admit(Purpose.ORDER, 1, "one more"), 10)


def test_an_allowance_that_nobody_used_lapses(small: None, clock: Clock) -> None:
    assert limits.allowance("paper", "", wanted=4, is_exit=False, within_seconds=0) == 4
    clock.now += gates.PROMISE_SECONDS + 1
    gate = limits.gate_of("paper")
    assert limits.allowance("paper", "", wanted=100, is_exit=True, within_seconds=0) == 10
    for number in range(10):
        assert loop.run(gate.admit(Purpose.ORDER, 1, f"key{number}"), 10)
    with pytest.raises(RateLimited):
        loop.run(gate.admit(Purpose.ORDER, 1, "one more"), 10)


def test_one_account_does_not_send_more_orders_than_its_own_limit(clock: Clock) -> None:
    gate = limits.gate_of("binance")
    admitted = 0
    for _ in range(100):
        with contextlib.suppress(RateLimited):
            admitted += loop.run(gate.admit(Purpose.ORDER, 1, "busy"), 10)
    assert 0 < admitted <= 50
    assert loop.run(gate.admit(Purpose.ORDER, 1, "another"), 10)


def test_requests_weigh_what_the_venue_says(
    wired: Any, signed_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Purpose, int]] = []

    async def admit(self: Gate, purpose: Purpose, weight: int, api_key: str) -> bool:
        seen.append((purpose, weight))
        return True

    monkeypatch.setattr(Gate, "admit", admit)
    wired("binance", orders.ACCEPTED["binance"])
    account = orders.account_at("binance")
    orders.place("binance", orders.limit_ioc(signed_at))
    questions: list[Any] = [
        gateway.look_up(account, client_order_id=orders.OUR_ID, symbol="BTC/USDT", since=signed_at),
        gateway.fetch_fills(account, symbol="BTC/USDT", since=signed_at),
        gateway.fetch_balances(account),
    ]
    for question in questions:
        # What the wire answers to these is beside the point.
        with contextlib.suppress(ExchangeError):
            loop.run(question, 10)
    assert seen == [
        (Purpose.ORDER, 1),
        (Purpose.LOOK_UP, 4),
        (Purpose.LOOK_UP, 20),
        (Purpose.QUESTION, 20),
    ]


def test_capacity_is_what_one_address_can_carry() -> None:
    capacity = limits.capacity("binance")
    assert capacity.at_once == 2400
    assert 45 < capacity.per_second < 50
