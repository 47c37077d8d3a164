"""The public routes: symbols, prices, books, candles and trades."""

import json
from typing import Any

from . import tickets
from .amounts import UNIT, multiply, show
from .answers import Refusal, missing
from .book import Level
from .calls import Call, Route
from .history import INTERVALS, MINUTE, Candle
from .symbols import Symbol, exchange_info, find
from .venue import Venue


def ping(_: Call) -> str:
    return "{}"


def server_time(call: Call) -> str:
    return f'{{"serverTime":{call.venue.now()}}}'


def info(call: Call) -> str:
    venue = call.venue
    chosen = _chosen(call)
    halted = frozenset(symbol.name for symbol in chosen if venue.is_halted(symbol.name))
    return _json(exchange_info(chosen, now=venue.now(), halted=halted))


def day_tickers(call: Call) -> str:
    return _one_or_all(call, [day_ticker(call.venue, symbol.name) for symbol in _chosen(call)])


def day_ticker(venue: Venue, name: str) -> dict[str, Any]:
    now = venue.now()
    day = venue.history(name).day(now)
    book = venue.engine.book(name)
    last = venue.prices.last[name]
    ask, bid = book.asks[0], book.bids[0]
    change = last - day.open
    average = day.quote_volume * UNIT // day.volume if day.volume else last
    return {
        "symbol": name,
        "priceChange": show(change),
        "priceChangePercent": _percent(change, day.open),
        "weightedAvgPrice": show(average),
        "prevClosePrice": show(day.open),
        "lastPrice": show(last),
        "lastQty": show(venue.symbols[name].usual_quantity(last)),
        "bidPrice": show(bid[0]),
        "bidQty": show(bid[1]),
        "askPrice": show(ask[0]),
        "askQty": show(ask[1]),
        "openPrice": show(day.open),
        "highPrice": show(max(day.high, last)),
        "lowPrice": show(min(day.low, last)),
        "volume": show(day.volume),
        "quoteVolume": show(day.quote_volume),
        "openTime": day.opened_at,
        "closeTime": now,
        "firstId": 0,
        "lastId": 0,
        "count": day.trades,
    }


def price_tickers(call: Call) -> str:
    last = call.venue.prices.last
    return _one_or_all(
        call, [{"symbol": symbol.name, "price": show(last[symbol.name])} for symbol in _chosen(call)]
    )


def average_price(call: Call) -> str:
    venue = call.venue
    name = find(venue.symbols, tickets.read_symbol(call.params)).name
    return _json({"mins": 0, "price": show(venue.prices.last[name]), "closeTime": venue.now()})


def book_tickers(call: Call) -> str:
    return _one_or_all(call, [book_ticker(call.venue, symbol.name) for symbol in _chosen(call)])


def book_ticker(venue: Venue, name: str) -> dict[str, str]:
    book = venue.engine.book(name)
    (bid, bid_quantity), (ask, ask_quantity) = book.bids[0], book.asks[0]
    return {
        "symbol": name,
        "bidPrice": show(bid),
        "bidQty": show(bid_quantity),
        "askPrice": show(ask),
        "askQty": show(ask_quantity),
    }


def depth(call: Call) -> str:
    venue = call.venue
    name = find(venue.symbols, tickets.read_symbol(call.params)).name
    limit = _limit(call, 100, 5000)
    book = venue.engine.book(name)
    return _json(
        {"lastUpdateId": venue.now(), "bids": _levels(book.bids[:limit]), "asks": _levels(book.asks[:limit])}
    )


def klines(call: Call) -> str:
    venue = call.venue
    name = find(venue.symbols, tickets.read_symbol(call.params)).name
    interval = call.params.get("interval")
    if not interval:
        raise missing("interval")
    if interval not in INTERVALS:
        raise Refusal(-1120, "Invalid interval.")
    start, end = tickets.read_int(call.params, "startTime"), tickets.read_int(call.params, "endTime")
    candles = venue.history(name).candles(interval, start, end, _limit(call, 500, 1000))
    return _json([_kline(candle, INTERVALS[interval] * MINUTE) for candle in candles])


def trades(call: Call) -> str:
    venue = call.venue
    name = find(venue.symbols, tickets.read_symbol(call.params)).name
    recent = list(venue.recent[name])[-_limit(call, 500, 1000) :]
    return _json(
        [
            {
                "id": trade.id,
                "price": show(trade.price),
                "qty": show(trade.quantity),
                "quoteQty": show(multiply(trade.quantity, trade.price)),
                "time": trade.at,
                "isBuyerMaker": trade.buyer_is_maker,
                "isBestMatch": True,
            }
            for trade in recent
        ]
    )


def aggregate_trades(call: Call) -> str:
    venue = call.venue
    name = find(venue.symbols, tickets.read_symbol(call.params)).name
    start, end = tickets.read_int(call.params, "startTime"), tickets.read_int(call.params, "endTime")
    recent = [
        trade
        for trade in venue.recent[name]
        if (start is None or trade.at >= start) and (end is None or trade.at <= end)
    ]
    return _json(
        [
            {
                "a": trade.id,
                "p": show(trade.price),
                "q": show(trade.quantity),
                "f": trade.id,
                "l": trade.id,
                "T": trade.at,
                "m": trade.buyer_is_maker,
                "M": True,
            }
            for trade in recent[-_limit(call, 500, 1000) :]
        ]
    )


def _chosen(call: Call) -> list[Symbol]:
    """The symbol or symbols asked for; all without either."""
    symbols = call.venue.symbols
    if "symbols" in call.params:
        try:
            names = json.loads(call.params["symbols"])
        except json.JSONDecodeError:
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Refusal(-1100, "Illegal characters found in parameter 'symbols'.")
        return [find(symbols, name) for name in names]
    if "symbol" in call.params:
        return [find(symbols, tickets.read_symbol(call.params))]
    return list(symbols.values())


def _one_or_all(call: Call, answers: list[Any]) -> str:
    return _json(answers[0] if "symbol" in call.params else answers)


def _limit(call: Call, default: int, most: int) -> int:
    limit = tickets.read_int(call.params, "limit")
    if limit is None:
        return default
    if limit < 1:
        raise Refusal(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(limit, most)


def _levels(levels: list[Level]) -> list[list[str]]:
    return [[show(price), show(quantity)] for price, quantity in levels]


def _kline(candle: Candle, width: int) -> list[Any]:
    half, half_quote = candle.volume // 2, candle.quote_volume // 2
    prices = [show(price) for price in (candle.open, candle.high, candle.low, candle.close)]
    return [
        candle.opened_at,
        *prices,
        show(candle.volume),
        candle.opened_at + width - 1,
        show(candle.quote_volume),
        candle.trades,
        show(half),
        show(half_quote),
        "0",
    ]


def _percent(change: int, base: int) -> str:
    thousandths = abs(change) * 100_000 // base
    sign = "-" if change < 0 else ""
    return f"{sign}{thousandths // 1000}.{thousandths % 1000:03d}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


ROUTES = {
    "GET /api/v3/ping": Route("market", ping),
    "GET /api/v3/time": Route("market", server_time),
    "GET /api/v3/exchangeInfo": Route("market", info),
    "GET /api/v3/ticker/24hr": Route("market", day_tickers),
    "GET /api/v3/ticker/price": Route("market", price_tickers),
    "GET /api/v3/ticker/bookTicker": Route("market", book_tickers),
    "GET /api/v3/avgPrice": Route("market", average_price),
    "GET /api/v3/depth": Route("market", depth),
    "GET /api/v3/klines": Route("market", klines),
    "GET /api/v3/trades": Route("market", trades),
    "GET /api/v3/aggTrades": Route("market", aggregate_trades),
}
