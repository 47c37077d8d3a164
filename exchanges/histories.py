"""Questions about what has happened on an account: one order, its fills, all fills of a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from exchanges import clock, reports
from exchanges.calls import Call, OrderNotKnown, ask
from exchanges.clients import Client
from exchanges.errors import Unavailable
from exchanges.types import FillReport, OrderReport, TransferKind, TransferReport
from exchanges.venues import FillsOf, LookUp

_MILLISECOND = timedelta(milliseconds=1)
# A venue may stamp an order a little after its first fill.
_BEFORE_THE_ORDER = timedelta(seconds=10)

Fills = list[FillReport]
ReadFills = Callable[[Any], Fills]


async def order(client: Client, client_order_id: str, symbol: str, venue_order_id: str) -> OrderReport | None:
    """The order, by our id, or by the venue's where ours is empty; None: the venue does not know it."""
    venue = client.venue
    now = clock.now(venue.exchange)

    def read(found: Mapping[str, Any]) -> OrderReport:
        return reports.found(found, client_order_id=client_order_id, symbol=symbol, now=now)

    try:
        if client_order_id and venue.look_up is LookUp.ONE_ORDER:
            parameters = {venue.look_up_param: client_order_id}
            return await ask(client, lambda api: api.fetch_order(None, symbol, parameters), read)
        if client_order_id or venue.look_up_id_param:
            return await _in_lists(client, client_order_id, symbol, venue_order_id, read)
        return await ask(client, lambda api: api.fetch_order(venue_order_id, symbol), read)
    except OrderNotKnown:
        return None


async def with_its_fills(client: Client, report: OrderReport, since: datetime) -> OrderReport:
    """The same report with the fills of its order, as far as the venue shows them already."""
    venue, symbol, order_id = client.venue, report.symbol, report.venue_order_id

    def read(trades: list[Mapping[str, Any]]) -> Fills:
        own = (trade for trade in trades if trade.get("order") in (None, order_id))
        return [reports.fill_of(trade, report) for trade in own]

    if venue.fills_of is FillsOf.MY_TRADES_BY_ORDER:
        fills = await _by_order(client, symbol, order_id, read)
    elif venue.fills_of is FillsOf.ORDER_TRADES:
        fills = await ask(client, lambda api: api.fetch_order_trades(order_id, symbol), read)
    else:
        start = min(since, report.at) - _BEFORE_THE_ORDER
        fills = await _between(client, symbol, start, clock.now(venue.exchange))
        fills = [fill for fill in fills if fill.venue_order_id == order_id]
    return reports.with_fills(report, fills)


async def fills_between(client: Client, symbol: str, since: datetime, until: datetime) -> Fills:
    """Every fill of these times, both included, oldest first, each once."""
    fills = {}
    for fill in await _between(client, symbol, since, until):
        fills[fill.venue_order_id, fill.trade_id] = fill
    inside = (fill for fill in fills.values() if since - _MILLISECOND < fill.at <= until)
    return sorted(inside, key=lambda fill: (fill.at, len(fill.trade_id), fill.trade_id))


async def transfers_since(client: Client, since: datetime) -> list[TransferReport]:
    """Deposits and withdrawals that are done, oldest first; none where the venue does not list them."""
    found: list[TransferReport] = []
    first = clock.milliseconds(since)
    if client.ccxt.has.get("fetchDeposits"):
        found += await ask(
            client,
            lambda api: api.fetch_deposits(None, first),
            lambda told: reports.transfers(told, TransferKind.DEPOSIT),
        )
    if client.ccxt.has.get("fetchWithdrawals"):
        found += await ask(
            client,
            lambda api: api.fetch_withdrawals(None, first),
            lambda told: reports.transfers(told, TransferKind.WITHDRAWAL),
        )
    return sorted(found, key=lambda transfer: (transfer.at, transfer.venue_id))


async def _in_lists(
    client: Client,
    client_order_id: str,
    symbol: str,
    venue_order_id: str,
    read: Callable[[Mapping[str, Any]], OrderReport],
) -> OrderReport | None:
    """Open orders first, closed ones second: an order may close between the two questions."""
    venue = client.venue
    if client_order_id:
        parameters = {venue.look_up_param: client_order_id}
    else:
        parameters = {venue.look_up_id_param: venue_order_id}

    def pick(listed: list[Mapping[str, Any]]) -> OrderReport | None:
        for candidate in listed:
            ours = client_order_id in ("", candidate.get("clientOrderId"))
            if ours and venue_order_id in ("", candidate.get("id")):
                return read(candidate)
        return None

    def listing(method: str) -> Call:
        return lambda api: getattr(api, method)(symbol, None, None, parameters)

    seen = await ask(client, listing("fetch_open_orders"), pick)
    return seen or await ask(client, listing(venue.closed_method), pick)


async def _by_order(client: Client, symbol: str, order_id: str, read: ReadFills) -> Fills:
    page = client.venue.trades_page
    fills: Fills = []
    parameters: dict[str, object] = {"orderId": order_id}
    while True:
        more = await ask(client, _trades(symbol, None, page, dict(parameters)), read)
        fills += more
        if len(more) < page:
            return fills
        parameters["fromId"] = max(int(fill.trade_id) for fill in more) + 1


async def _between(client: Client, symbol: str, since: datetime, until: datetime) -> Fills:
    """In windows the venue takes; a window that comes back full is asked again in halves.

    Halving works whether the venue cuts off the oldest or the newest.
    """
    fills: Fills = []
    windows = _windows(since, until, client.venue.trades_window)
    while windows:
        start, end = windows.pop()
        found = await _one_window(client, symbol, start, end)
        if len(found) < client.venue.trades_page:
            fills += found
        elif start < end:
            middle = clock.at_milliseconds((clock.milliseconds(start) + clock.milliseconds(end)) // 2)
            windows += [(middle + _MILLISECOND, end), (start, middle)]
        else:
            raise Unavailable(f"more trades of {symbol} in one millisecond than the exchange lists at once")
    return fills


async def _one_window(client: Client, symbol: str, start: datetime, end: datetime) -> Fills:
    first, page = clock.milliseconds(start), client.venue.trades_page
    parameters = {"until": clock.milliseconds(end)}

    def read(trades: list[Mapping[str, Any]]) -> Fills:
        return [reports.fill_of(trade) for trade in trades]

    return await ask(client, _trades(symbol, first, page, parameters), read)


def _trades(symbol: str, since: int | None, page: int, parameters: dict[str, Any]) -> Call:
    return lambda api: api.fetch_my_trades(symbol, since, page, parameters)


def _windows(since: datetime, until: datetime, longest: timedelta) -> list[tuple[datetime, datetime]]:
    """Newest first, so that the oldest is taken from the end."""
    windows = []
    start = clock.at_milliseconds(clock.milliseconds(since))
    while start <= until:
        end = min(start + longest - _MILLISECOND, until)
        windows.append((start, end))
        start = end + _MILLISECOND
    return windows[::-1]
