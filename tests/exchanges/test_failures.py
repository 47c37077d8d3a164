"""Lost answers, refusals and outages against the paper exchange: what an order is then said to be."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from exchanges import clients, gateway, loop
from exchanges.errors import (
    BadCredentials,
    ClockSkewed,
    NotPlaced,
    OutcomeUnknown,
    RateLimited,
    Unavailable,
)
from exchanges.types import Account, Credentials, OrderReport, OrderRequest

Order = Callable[..., OrderRequest]


def place(account: Account, request: OrderRequest) -> OrderReport:
    return loop.run(gateway.place(account, request), 20)


def look_up(account: Account, request: OrderRequest) -> OrderReport | None:
    question = gateway.look_up(
        account,
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        since=request.signed_at - timedelta(minutes=1),
    )
    return loop.run(question, 20)


def test_a_wrong_secret_is_a_bad_key_also_after_a_success(account: Account, order: Order) -> None:
    place(account, order())
    wrong = replace(account, credentials=Credentials(account.credentials.api_key, "x" * 64))
    with pytest.raises(BadCredentials):
        place(wrong, order())
    with pytest.raises(BadCredentials):
        loop.run(gateway.fetch_balances(wrong), 10)


def test_a_revoked_key_is_a_bad_key_also_after_a_success(paper: Any, account: Account, order: Order) -> None:
    place(account, order())
    paper.fail(kind="revoke", key=account.credentials.api_key)
    with pytest.raises(BadCredentials):
        place(account, order())


LOST_AFTERWARDS: list[dict[str, Any]] = [
    {"kind": "reset_after"},
    {"kind": "drop_after"},
    {"kind": "cut_short"},
    {"kind": "html", "when": "after", "status": 502},
    {"kind": "status", "when": "after", "status": 503},
    {"kind": "status", "when": "after", "status": 504},
]
LOST_BEFORE: list[dict[str, Any]] = [
    {"kind": "reset_before"},
    {"kind": "html", "when": "before", "status": 502},
    {"kind": "status", "when": "before", "status": 500},
]


@pytest.mark.parametrize("fault", LOST_AFTERWARDS, ids=lambda fault: str(fault))
def test_an_order_whose_answer_was_lost_is_unknown_and_then_found(
    fault: dict[str, Any], paper: Any, account: Account, order: Order
) -> None:
    request = order()
    paper.fail(**fault, key=account.credentials.api_key, endpoint="order", count=1)
    with pytest.raises(OutcomeUnknown) as caught:
        place(account, request)
    assert account.credentials.api_key not in str(caught.value)
    assert "signature" not in str(caught.value)
    assert caught.value.__context__ is None
    found = look_up(account, request)
    assert found is not None
    assert found.filled == request.quantity
    assert found.fills_complete


@pytest.mark.parametrize("fault", LOST_BEFORE, ids=lambda fault: str(fault))
def test_an_order_that_was_lost_on_the_way_is_unknown_and_then_not_there(
    fault: dict[str, Any], paper: Any, account: Account, order: Order
) -> None:
    request = order()
    paper.fail(**fault, key=account.credentials.api_key, endpoint="order", count=1)
    with pytest.raises(OutcomeUnknown):
        place(account, request)
    assert look_up(account, request) is None


def test_an_order_is_sent_once_whatever_happens(paper: Any, account: Account, order: Order) -> None:
    requests = [order() for _ in LOST_AFTERWARDS]
    for request, fault in zip(requests, LOST_AFTERWARDS, strict=True):
        paper.fail(**fault, key=account.credentials.api_key, endpoint="order", count=1)
        with pytest.raises(OutcomeUnknown):
            place(account, request)
    since = requests[0].signed_at - timedelta(minutes=1)
    fills = loop.run(gateway.fetch_fills(account, symbol="BTC/USDT", since=since), 10)
    bought = sum((fill.quantity for fill in fills), Decimal(0))
    assert bought == sum((request.quantity for request in requests), Decimal(0))


def test_a_venue_that_takes_too_long_leaves_the_outcome_unknown(
    paper: Any, account: Account, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = order()
    monkeypatch.setattr(clients, "TOTAL_MILLISECONDS", 200)
    gateway.configure({}, paper.url)
    loop.run(gateway.warm("paper"), 10)
    paper.fail(kind="latency", ms=1000, endpoint="order", count=1)
    with pytest.raises(OutcomeUnknown, match="in time"):
        place(account, request)


def test_a_rate_limit_tells_how_long_to_wait(paper: Any, account: Account, order: Order) -> None:
    paper.fail(kind="status", status=429, retry_after=7, key=account.credentials.api_key, count=1)
    with pytest.raises(RateLimited) as caught:
        place(account, order())
    assert caught.value.retry_after == 7
    with pytest.raises(Unavailable) as asked:
        loop.run(gateway.fetch_balances(account), 10)
    assert asked.value.retry_after == pytest.approx(7, abs=1)


def test_a_halted_symbol_is_not_placed(paper: Any, account: Account, order: Order) -> None:
    request = order()
    paper.fail(kind="halt", symbol="BTCUSDT")
    with pytest.raises(NotPlaced):
        place(account, request)


def test_under_maintenance_nothing_is_placed(paper: Any, account: Account, order: Order) -> None:
    request = order()
    paper.fail(kind="maintenance", endpoint="order", count=1)
    with pytest.raises(NotPlaced):
        place(account, request)
    assert look_up(account, request) is None


def test_a_wrong_clock_is_noticed_and_put_right(paper: Any, account: Account, order: Order) -> None:
    request = order()
    paper.fail(kind="clock_skew_ms", ms=60_000)
    with pytest.raises(ClockSkewed):
        place(account, request)
    assert place(account, order()).is_final


def test_a_question_with_a_wrong_clock_answers_itself(paper: Any, account: Account) -> None:
    loop.run(gateway.fetch_balances(account), 10)
    paper.fail(kind="clock_skew_ms", ms=-60_000)
    assert loop.run(gateway.fetch_balances(account), 10)["USDT"].free == 10_000


def test_where_nobody_listens_nothing_was_placed(paper: Any, account: Account, order: Order) -> None:
    request = order()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        loop.run(_move_orders_to(f"http://127.0.0.1:{unused.getsockname()[1]}"), 10)
        with pytest.raises(NotPlaced, match="reached"):
            place(account, request)
        with pytest.raises(Unavailable):
            loop.run(gateway.fetch_balances(account), 10)


async def _move_orders_to(address: str) -> None:
    instance = clients.base_of("paper").instance
    instance.urls = {**instance.urls, "api": {**instance.urls["api"], "private": f"{address}/api/v3"}}


def test_a_venue_that_cannot_be_asked_for_its_markets_places_nothing(account: Account, order: Order) -> None:
    request = order()
    gateway.configure({}, "http://127.0.0.1:1")
    with pytest.raises(NotPlaced):
        place(account, request)
