"""A master's fills as they happen, over the venue's own stream (ccxt.pro).

A stream replays nothing: whoever listens must back-fill at every StreamOpened, also the first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ccxt
import ccxt.pro
from ccxt.async_support.base.ws.cache import ArrayCacheBySymbolById

from exchanges import answers, clients, clock, markets, reports
from exchanges.answers import Answer
from exchanges.errors import BadCredentials, ExchangeError
from exchanges.types import Account, FillReport
from exchanges.venues import require_supported

_log = logging.getLogger(__name__)
_RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# A dead connection is noticed after two missed answers.
_PING_MILLISECONDS = 5000
_FINAL = frozenset({"closed", "canceled", "expired", "rejected"})
# Where a subscription is not confirmed, this long after asking for it the stream counts as open.
_SETTLING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """From now on fills are told; what happened before `at` (the venue's clock) has to be asked for."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StreamLost:
    """Nothing is told until the next StreamOpened."""

    at: datetime


@dataclass(frozen=True, slots=True)
class OrderFinished:
    """The venue works this order no longer: all of its fills have been told (Binance only)."""

    symbol: str
    venue_order_id: str
    client_order_id: str
    at: datetime


StreamEvent = StreamOpened | StreamLost | FillReport | OrderFinished
_Sink = Callable[[StreamEvent], None]


async def watch(account: Account) -> AsyncIterator[StreamEvent]:
    """Endless: reconnects by itself. Raises BadCredentials when the venue refuses the key.

    The same fill may come twice, and may have been told by the answer to an order before.
    """
    require_supported(account.exchange)
    failures = 0
    while True:
        try:
            async for event in _connection(account):
                failures = 0 if isinstance(event, StreamOpened) else failures
                yield event
        except BadCredentials:
            raise
        except ExchangeError as error:
            _log.info("stream at %s lost: %s", account.exchange, error.text)
        yield StreamLost(clock.now(account.exchange))
        await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
        failures += 1


async def follow(account: Account, sink: Callable[[StreamEvent], None]) -> None:
    """Give each event to `sink`, which must not block (a queue's put), until cancelled: for loop.submit."""
    async for event in watch(account):
        sink(event)


async def _connection(account: Account) -> AsyncIterator[StreamEvent]:
    """The events of one connection, until it breaks (an ExchangeError)."""
    base = await markets.warm(account.exchange, account.proxy_url)
    api = clients.build(base.venue, ccxt.pro, clients.session(), account.proxy_url)
    api.set_markets_from_exchange(base.instance)
    api.options = {**api.options, **account.mode}
    api.streaming = {**api.streaming, "keepAlive": _PING_MILLISECONDS}
    api.nonce = lambda: clock.milliseconds(clock.now(account.exchange))
    clients.give_keys(api, account)
    events: asyncio.Queue[StreamEvent] = asyncio.Queue()
    _listen(api, events.put_nowait)
    watching: asyncio.Task[Any] | None = None
    try:
        watching = await _opened(api, account)
        yield StreamOpened(clock.now(account.exchange))
        while True:
            event, watching = await _next_event(api, events, watching, account)
            if event is not None:
                yield event
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        await api.close()


async def _opened(api: Any, account: Account) -> asyncio.Task[Any]:
    """The task that keeps the stream open, once the venue has taken the subscription."""
    if api.id == "binance":
        await _subscribed(api, account)
        return asyncio.ensure_future(api.watch_my_trades())
    watching: asyncio.Task[Any] = asyncio.ensure_future(api.watch_my_trades())
    await asyncio.wait({watching}, timeout=_SETTLING_SECONDS)
    broken = watching.exception() if watching.done() else None
    if broken is not None:
        raise _failure(broken, account)
    return watching


async def _subscribed(api: Any, account: Account) -> None:
    """Binance confirms a subscription: a fill after this is told, whatever happens."""
    try:
        async with asyncio.timeout(clients.TOTAL_MILLISECONDS / 1000):
            subscribing = asyncio.ensure_future(api.authenticate({"type": "spot"}))
            await asyncio.sleep(0)
            _retrieve(api)
            await subscribing
    except Exception as error:  # noqa: BLE001 - the edge to the venue: whatever it was, the stream is not open
        failure = _failure(error, account)
    else:
        return
    raise failure


def _retrieve(api: Any) -> None:
    """ccxt keeps a future for a second subscriber, which we never have: when it fails nobody else looks."""
    for client in api.clients.values():
        for future in client.futures.values():
            future.add_done_callback(lambda done: done.cancelled() or done.exception())


async def _next_event(
    api: Any, events: asyncio.Queue[StreamEvent], watching: asyncio.Task[Any], account: Account
) -> tuple[StreamEvent | None, asyncio.Task[Any]]:
    """The next event, or None when only the watching had to be renewed."""
    if not events.empty():
        return events.get_nowait(), watching
    arrival = asyncio.ensure_future(events.get())
    try:
        await asyncio.wait({arrival, watching}, return_when=asyncio.FIRST_COMPLETED)
        if arrival.done():
            return arrival.result(), watching
    finally:
        if not arrival.done():
            arrival.cancel()
    broken = watching.exception()
    if broken is not None:
        raise _failure(broken, account)
    return None, asyncio.ensure_future(api.watch_my_trades())


def _listen(api: Any, sink: _Sink) -> None:
    """Hear each trade where ccxt stores it: its futures wake once for several messages and lose the rest."""

    def on_trade(trade: Mapping[str, Any]) -> None:
        sink(reports.fill_of(trade))

    def on_order(order: Mapping[str, Any]) -> None:
        if order.get("status") in _FINAL:
            sink(_finished(order))

    api.myTrades = _Heard(on_trade)
    if api.id == "binance":
        api.orders = _Heard(on_order)


class _Heard(ArrayCacheBySymbolById):  # type: ignore[misc]
    """In the place of ccxt's store of trades or orders: tells of each entry, keeps none.

    From a kept order ccxt would go on to add up fees, as binary floats.
    """

    def __init__(self, tell: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__()
        self._tell = tell

    def append(self, item: dict[str, Any]) -> None:
        self._tell(item)


def _finished(order: Mapping[str, Any]) -> OrderFinished:
    info = order.get("info") or {}
    moment = order.get("lastUpdateTimestamp") or order.get("lastTradeTimestamp") or info.get("E")
    return OrderFinished(
        symbol=str(order["symbol"]),
        venue_order_id=str(order["id"]),
        client_order_id=str(order.get("clientOrderId") or ""),
        at=clock.at_milliseconds(int(moment or order["timestamp"])),
    )


def _failure(error: BaseException, account: Account) -> ExchangeError:
    """A stream's refusals have no HTTP answer: only a wrong key is told apart."""
    seen: BaseException | None = error
    while seen is not None:
        # ccxt stumbles over its own clean-up after a refusal; the refusal is what it was busy with.
        if isinstance(seen, ccxt.AuthenticationError):
            return BadCredentials("the exchange refused the key for its stream")
        seen = seen.__context__
    ccxt_id = require_supported(account.exchange).ccxt_id
    return answers.of_question(error, Answer(ccxt_id, sent=True))
