"""A master's fills over the venue's stream, and what is told when it breaks."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import queue
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from exchanges import gateway, loop, stream
from exchanges.errors import BadCredentials
from exchanges.stream import OrderFinished, StreamLost, StreamOpened
from exchanges.types import Account, Credentials, FillReport, OrderRequest, OrderType

Heard = queue.Queue[Any]
Order = Callable[..., OrderRequest]


@pytest.fixture
def following(account: Account, heard: Heard) -> Iterator[concurrent.futures.Future[None]]:
    future = loop.submit(stream.follow(account, heard.put_nowait))
    assert isinstance(heard.get(timeout=10), StreamOpened)
    yield future
    future.cancel()


def heard_until(heard: Heard, kind: type) -> list[Any]:
    events: list[Any] = []
    while not (events and isinstance(events[-1], kind)):
        events.append(heard.get(timeout=10))
    return events


@pytest.mark.usefixtures("following")
def test_every_fill_is_told_once_and_then_the_end_of_the_order(
    account: Account, order: Order, heard: Heard
) -> None:
    request = order(quantity=Decimal("0.05"))
    report = loop.run(gateway.place(account, request), 10)
    *fills, finished = heard_until(heard, OrderFinished)
    assert [fill.trade_id for fill in fills] == [fill.trade_id for fill in report.fills]
    assert fills == list(report.fills)
    assert finished.venue_order_id == report.venue_order_id
    assert finished.client_order_id == request.client_order_id


@pytest.mark.usefixtures("following")
def test_many_orders_at_once_lose_no_fill(account: Account, order: Order, heard: Heard) -> None:
    async def trade() -> list[Any]:
        return [await gateway.place(account, order()) for _ in range(30)]

    reports = loop.run(trade(), 20)
    told: set[str] = set()
    ended = 0
    while ended < len(reports):
        event = heard.get(timeout=10)
        if isinstance(event, FillReport):
            told.add(event.trade_id)
        else:
            ended += isinstance(event, OrderFinished)
    assert told == {fill.trade_id for report in reports for fill in report.fills}


@pytest.mark.usefixtures("following")
def test_a_cancelled_order_ends_without_a_fill(account: Account, order: Order, heard: Heard) -> None:
    request = order(type=OrderType.LIMIT)
    assert request.price is not None
    request = replace(request, price=(request.price * Decimal("0.9")).quantize(Decimal("0.01")))
    loop.run(gateway.place(account, request), 10)
    loop.run(gateway.cancel(account, client_order_id=request.client_order_id, symbol=request.symbol), 10)
    (finished,) = heard_until(heard, OrderFinished)
    assert finished.client_order_id == request.client_order_id


@pytest.mark.usefixtures("following")
def test_after_a_break_the_stream_opens_again_and_says_so(
    paper: Any, account: Account, order: Order, heard: Heard
) -> None:
    paper.fail(kind="stream_disconnect", key=account.credentials.api_key)
    assert isinstance(heard.get(timeout=10), StreamLost)
    assert isinstance(heard_until(heard, StreamOpened)[-1], StreamOpened)
    report = loop.run(gateway.place(account, order()), 10)
    *fills, _ = heard_until(heard, OrderFinished)
    assert fills == list(report.fills)


def test_a_revoked_key_ends_the_stream_for_good(
    paper: Any, account: Account, following: concurrent.futures.Future[None]
) -> None:
    paper.fail(kind="revoke", key=account.credentials.api_key)
    with pytest.raises(BadCredentials):
        following.result(10)


def test_a_wrong_key_never_opens_a_stream(account: Account, heard: Heard) -> None:
    wrong = replace(account, credentials=Credentials("no-such-key", "no-such-secret"))
    with pytest.raises(BadCredentials) as caught:
        loop.run(stream.follow(wrong, heard.put_nowait), 10)
    assert "no-such" not in str(caught.value)
    assert heard.empty()


def test_a_venue_that_is_away_is_tried_again(
    paper: Any, account: Account, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_RETRY_SECONDS", (0.05,))
    gateway.configure({}, "http://127.0.0.1:1")
    future = loop.submit(stream.follow(account, heard.put_nowait))
    for _ in range(2):
        assert isinstance(heard.get(timeout=10), StreamLost)
    gateway.configure({}, paper.url)
    assert heard_until(heard, StreamOpened)
    future.cancel()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the loop says of failures that nobody looked at."""
    said: list[str] = []

    async def listen(handler: Any) -> None:
        asyncio.get_running_loop().set_exception_handler(handler)

    loop.run(listen(lambda _loop, context: said.append(context["message"])))
    yield said
    loop.run(listen(None))


def test_a_stream_that_cannot_be_opened_leaves_no_failure_behind(
    paper: Any, account: Account, heard: Heard, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_RETRY_SECONDS", (0.05,))
    gateway.configure({}, {"rest": paper.url, "ws": "ws://127.0.0.1:1"})
    future = loop.submit(stream.follow(account, heard.put_nowait))
    for _ in range(2):
        assert isinstance(heard.get(timeout=10), StreamLost)
    future.cancel()
    loop.run(asyncio.sleep(0.05))
    gc.collect()
    loop.run(asyncio.sleep(0))
    gateway.configure({}, paper.url)
    assert complaints == []
