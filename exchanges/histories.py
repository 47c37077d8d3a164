"""Questions about what has happened on an account: one order, its fills, all fills of a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from exchanges import clock, reports
from exchanges.calls import ask, ask_unless_unknown
from exchanges.clients import Client
from exchanges.types import FillReport, OrderReport
from exchanges.venues import FillsOf, LookUp

_MILLISECOND = timedelta(milliseconds=1)
# A venue may stamp an order a little after its first fill.
_BEFORE_THE_ORDER = timedelta(seconds=10)


async def order(
    client: Client, client_order_id: str, symbol: str, venue_order_id: str
) -> Mapping[str, Any] | None:
    """The order as ccxt tells it, by our id, or by the venue's where ours is empty; None: not known there."""
    if client.venue.look_up is LookUp.ONE_ORDER:
        if client_order_id:
            parameters = {client.venue.look_up_param: client_order_id}
            return await ask_unless_unknown(client, "fetch_order", None, symbol, parameters)
        return await ask_unless_unknown(client, "fetch_order", venue_order_id, symbol)
    return await _in_lists(client, client_order_id, symbol, venue_order_id)


async def with_its_fills(client: Client, report: OrderReport, since: datetime) -> OrderReport:
    """The same report with the fills of its order, as far as the venue shows them already."""
    venue, symbol, order_id = client.venue, report.symbol, report.venue_order_id
    if venue.fills_of is FillsOf.MY_TRADES_BY_ORDER:
        trades = await _trades_by_order(client, symbol, order_id)
    elif venue.fills_of is FillsOf.ORDER_TRADES:
        trades = await ask(client, "fetch_order_trades", order_id, symbol)
    else:
        start = min(since, report.at) - _BEFORE_THE_ORDER
        trades = await _trades_between(client, symbol, start, clock.now(venue.exchange))
    own = [trade for trade in trades if trade.get("order") in (None, order_id)]
    return reports.with_fills(report, (reports.fill_of(trade, report) for trade in own))


async def fills_between(client: Client, symbol: str, since: datetime, until: datetime) -> list[FillReport]:
    """Every fill of these times, both included, oldest first, each once."""
    fills = {}
    for trade in await _trades_between(client, symbol, since, until):
        fill = reports.fill_of(trade)
        fills[fill.venue_order_id, fill.trade_id] = fill
    inside = (fill for fill in fills.values() if since - _MILLISECOND < fill.at <= until)
    return sorted(inside, key=lambda fill: (fill.at, len(fill.trade_id), fill.trade_id))


async def _in_lists(
    client: Client, client_order_id: str, symbol: str, venue_order_id: str
) -> Mapping[str, Any] | None:
    """Open orders first, closed ones second: an order may close between the two questions."""
    venue = client.venue
    if not client_order_id and not venue.look_up_id_param:
        return await ask_unless_unknown(client, "fetch_order", venue_order_id, symbol)
    if client_order_id:
        parameters = {venue.look_up_param: client_order_id}
    else:
        parameters = {venue.look_up_id_param: venue_order_id}
    for method in ("fetch_open_orders", venue.closed_method):
        for candidate in await ask(client, method, symbol, None, None, parameters):
            if client_order_id in ("", candidate.get("clientOrderId")) and (
                venue_order_id in ("", candidate.get("id"))
            ):
                return dict(candidate)
    return None


async def _trades_by_order(client: Client, symbol: str, order_id: str) -> list[Mapping[str, Any]]:
    page = client.venue.trades_page
    trades: list[Mapping[str, Any]] = []
    parameters: dict[str, object] = {"orderId": order_id}
    while True:
        more = await ask(client, "fetch_my_trades", symbol, None, page, parameters)
        trades += more
        if len(more) < page:
            return trades
        parameters = {"orderId": order_id, "fromId": max(int(trade["id"]) for trade in more) + 1}


async def _trades_between(
    client: Client, symbol: str, since: datetime, until: datetime
) -> list[Mapping[str, Any]]:
    """In windows the venue takes; a window that comes back full is asked again in halves.

    Halving works whether the venue cuts off the oldest or the newest.
    """
    trades: list[Mapping[str, Any]] = []
    windows = _windows(since, until, client.venue.trades_window)
    while windows:
        start, end = windows.pop()
        found = await _one_window(client, symbol, start, end)
        if len(found) >= client.venue.trades_page and end - start > _MILLISECOND:
            middle = clock.at_milliseconds((clock.milliseconds(start) + clock.milliseconds(end)) // 2)
            windows += [(middle + _MILLISECOND, end), (start, middle)]
        else:
            trades += found
    return trades


async def _one_window(client: Client, symbol: str, start: datetime, end: datetime) -> list[Mapping[str, Any]]:
    parameters = {"until": clock.milliseconds(end)}
    found: list[Mapping[str, Any]] = await ask(
        client, "fetch_my_trades", symbol, clock.milliseconds(start), client.venue.trades_page, parameters
    )
    return found


def _windows(since: datetime, until: datetime, longest: timedelta) -> list[tuple[datetime, datetime]]:
    """Newest first, so that the oldest is taken from the end."""
    windows = []
    start = clock.at_milliseconds(clock.milliseconds(since))
    while start <= until:
        end = min(start + longest - _MILLISECOND, until)
        windows.append((start, end))
        start = end + _MILLISECOND
    return windows[::-1]
