"""From ccxt's structures to ours: Decimal from text, aware UTC, nothing guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from exchanges import clock
from exchanges.rounding import EXACT
from exchanges.types import (
    Balance,
    FillReport,
    OrderReport,
    OrderRequest,
    Quote,
    Side,
    TransferKind,
    TransferReport,
)

# Bybit calls a part-filled immediate-or-cancel order closed, others canceled or expired: all are final.
_FINAL = frozenset({"closed", "canceled", "expired", "rejected"})
# A last price that no bid and ask stand beside says nothing after this.
LAST_ALONE_FOR = timedelta(minutes=1)
# Where the venues' raw trades carry our order id.
_CLIENT_ID_KEYS = ("c", "clientOrderId", "orderLinkId", "clOrdId", "cl_ord_id", "clientOid")


def decimal(value: object) -> Decimal:
    return Decimal(0) if value in (None, "") else Decimal(str(value))


def fill_of(trade: Mapping[str, Any], order: OrderReport | None = None) -> FillReport:
    """One of ccxt's trades; what it leaves out is taken from the order it belongs to."""
    fee = _fee_of(trade)
    return FillReport(
        symbol=str(trade.get("symbol") or (order.symbol if order else "")),
        venue_order_id=str(trade.get("order") or (order.venue_order_id if order else "")),
        trade_id=_id_of(trade),
        client_order_id=order.client_order_id if order else _client_id_in(trade.get("info")),
        side=Side(trade["side"]) if trade.get("side") else _side_of(order),
        price=Decimal(str(trade["price"])),
        quantity=Decimal(str(trade["amount"])),
        fee=fee[0],
        fee_asset=fee[1],
        at=_at(trade.get("timestamp"), order.at if order else None),
        order_quantity=order.requested if order else _told_quantity(trade.get("info")),
        order_is_final=_is_told_filled(trade.get("info")),
    )


def placed(order: Mapping[str, Any], request: OrderRequest, now: datetime) -> OrderReport:
    """The answer to placing `request`; `now` by the venue's clock, for answers without a time."""
    blank = OrderReport(
        client_order_id=request.client_order_id,
        venue_order_id=_id_of(order),
        symbol=request.symbol,
        side=request.side,
        requested=request.quantity,
        filled=Decimal(0),
        average_price=None,
        is_final=False,
        fills=(),
        at=now,
    )
    return _told_by(order, blank)


def found(order: Mapping[str, Any], *, client_order_id: str, symbol: str, now: datetime) -> OrderReport:
    """The answer to a look-up."""
    blank = OrderReport(
        client_order_id=str(order.get("clientOrderId") or client_order_id),
        venue_order_id=_id_of(order),
        symbol=symbol,
        side=Side(order["side"]),
        requested=Decimal(str(order["amount"])),
        filled=Decimal(0),
        average_price=None,
        is_final=False,
        fills=(),
        at=now,
    )
    return _told_by(order, blank)


def with_fills(report: OrderReport, fills: Iterable[FillReport]) -> OrderReport:
    told = _in_order(fills)
    if told and report.is_final and sum(fill.quantity for fill in told) == report.filled:
        told = (*told[:-1], replace(told[-1], order_is_final=True))
    return replace(report, fills=told)


def balances(answer: Mapping[str, Any]) -> dict[str, Balance]:
    """Only assets of which there is something."""
    found_assets = {}
    for asset, total in (answer.get("total") or {}).items():
        if decimal(total) == 0:
            continue
        free, locked = (answer.get("free") or {}).get(asset), (answer.get("used") or {}).get(asset)
        found_assets[asset] = Balance(asset, decimal(free), decimal(locked))
    return found_assets


def transfers(told: Iterable[Mapping[str, Any]], kind: TransferKind) -> list[TransferReport]:
    """Only what is done and moved something; what is under way is told again later."""
    done = (_transfer(entry, kind) for entry in told if entry.get("status") == "ok")
    return [transfer for transfer in done if transfer.amount > 0]


def _transfer(entry: Mapping[str, Any], kind: TransferKind) -> TransferReport:
    venue_id = entry.get("id") or entry.get("txid")
    if not venue_id:
        raise ValueError("a transfer without an id")
    return TransferReport(
        kind=kind,
        venue_id=str(venue_id),
        asset=str(entry["currency"]),
        amount=Decimal(str(entry["amount"])),
        fee=decimal((entry.get("fee") or {}).get("cost")),
        at=_at(entry.get("timestamp"), None),
    )


def quotes(tickers: Mapping[str, Mapping[str, Any]], now: datetime) -> dict[str, Quote]:
    """Only symbols with a price that counts: no price is unknown, never 0.

    Where nobody bids or asks the last price counts alone, as long as the venue dates it within a minute.
    """
    known = {}
    for symbol, ticker in tickers.items():
        bid, ask, last = decimal(ticker["bid"]), decimal(ticker["ask"]), decimal(ticker["last"])
        at = _at(ticker.get("timestamp"), now)
        has_book = min(bid, ask) > 0
        is_dated = bool(ticker.get("timestamp")) and now - at <= LAST_ALONE_FOR
        if last <= 0 or not (has_book or is_dated):
            continue
        volume = decimal(ticker.get("quoteVolume"))
        if volume == 0 and ticker.get("baseVolume"):
            volume = EXACT.multiply(decimal(ticker["baseVolume"]), last)
        known[symbol] = Quote(symbol, bid if has_book else None, ask if has_book else None, last, volume, at)
    return known


def _told_by(order: Mapping[str, Any], blank: OrderReport) -> OrderReport:
    filled = decimal(order.get("filled"))
    moment = order.get("lastTradeTimestamp") or order.get("lastUpdateTimestamp") or order.get("timestamp")
    report = replace(
        blank,
        filled=filled,
        average_price=_average(order, filled),
        is_final=order.get("status") in _FINAL,
        at=_at(moment, blank.at),
    )
    trades = [trade for trade in order.get("trades") or () if trade.get("id") and trade.get("price")]
    return with_fills(report, (fill_of(trade, report) for trade in trades))


def _average(order: Mapping[str, Any], filled: Decimal) -> Decimal | None:
    if filled == 0:
        return None
    return average_of(decimal(order.get("cost")), filled) or decimal(order.get("average")) or None


def average_of(cost: Decimal, filled: Decimal) -> Decimal | None:
    """To 18 places; None where nothing was filled or the cost is not told."""
    if filled == 0 or cost == 0:
        return None
    return EXACT.divide(cost, filled).quantize(Decimal("1e-18"), context=EXACT)


def _in_order(fills: Iterable[FillReport]) -> tuple[FillReport, ...]:
    once = {fill.trade_id: fill for fill in fills}
    return tuple(sorted(once.values(), key=lambda fill: (fill.at, len(fill.trade_id), fill.trade_id)))


def _id_of(told: Mapping[str, Any]) -> str:
    """From an answer it cannot read ccxt makes an order of nothings, without complaint."""
    if told["id"] in (None, ""):
        raise ValueError("an order or a trade without an id")
    return str(told["id"])


def _fee_of(trade: Mapping[str, Any]) -> tuple[Decimal, str]:
    fee = trade.get("fee") or next(iter(trade.get("fees") or ()), None) or {}
    cost = decimal(fee.get("cost"))
    return (cost, str(fee.get("currency") or "")) if cost else (Decimal(0), "")


def _client_id_in(info: object) -> str:
    if not isinstance(info, Mapping):
        return ""
    return next((str(info[key]) for key in _CLIENT_ID_KEYS if info.get(key)), "")


def _told_quantity(info: object) -> Decimal | None:
    """Binance's executionReport names the quantity of the whole order, and its state, with each fill."""
    if isinstance(info, Mapping) and info.get("e") == "executionReport":
        return Decimal(str(info["q"]))
    return None


def _is_told_filled(info: object) -> bool:
    return isinstance(info, Mapping) and info.get("e") == "executionReport" and info.get("X") == "FILLED"


def _side_of(order: OrderReport | None) -> Side:
    if order is None:
        raise ValueError("a trade without a side and without an order")
    return order.side


def _at(milliseconds: object, otherwise: datetime | None) -> datetime:
    if milliseconds:
        return clock.at_milliseconds(int(str(milliseconds)))
    if otherwise is None:
        raise ValueError("a trade without a time")
    return otherwise
