"""What clients may say over WebSocket, and the market data that is sent on each tick."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from . import signatures
from .amounts import show
from .answers import Refusal, bad_key, missing
from .history import INTERVALS, MINUTE
from .market_data import book_ticker, day_ticker
from .streams import Connection
from .venue import Venue

Message = dict[str, Any]
MOST_SUBSCRIPTIONS = 1024


def receive_user(venue: Venue, connection: Connection, message: Message) -> None:
    """One request to the WebSocket API. Raises the venue's refusals."""
    method = message.get("method")
    params = message.get("params") or {}
    if not isinstance(params, dict):
        raise Refusal(-1135, "Invalid JSON Request")
    match method:
        case "userDataStream.subscribe.signature":
            result: Message = {"subscriptionId": _subscribe(venue, connection, params)}
        case "userDataStream.unsubscribe":
            number = params.get("subscriptionId")
            venue.streams.unsubscribe_user(connection, number if isinstance(number, int) else None)
            result = {}
        case "ping":
            result = {}
        case "time":
            result = {"serverTime": venue.now()}
        case _:
            raise Refusal(-1020, "This operation is not supported.")
    answer: Message = {"id": message.get("id"), "status": 200, "result": result, "rateLimits": []}
    connection.send(json.dumps(answer, separators=(",", ":")))


def _subscribe(venue: Venue, connection: Connection, params: Message) -> int:
    texts = {str(name): str(value) for name, value in params.items()}
    if "apiKey" not in texts:
        raise missing("apiKey")
    unsigned = "&".join(f"{name}={texts[name]}" for name in sorted(texts) if name != "signature")
    account = signatures.authenticate(
        venue.accounts, texts["apiKey"], unsigned.encode("utf-8", "replace"), texts.get("signature")
    )
    if venue.faults.standing("revoke", key=account.api_key) is not None:
        raise bad_key()
    signatures.check_timestamp(texts, venue.now())
    return venue.streams.subscribe_user(connection, account)


def receive_market(venue: Venue, connection: Connection, message: Message) -> None:
    """SUBSCRIBE, UNSUBSCRIBE or LIST_SUBSCRIPTIONS on a market-data socket."""
    method, names = message.get("method"), message.get("params") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refusal(-1135, "Invalid JSON Request")
    result: list[str] | None = None
    match method:
        case "SUBSCRIBE":
            connection.subscribed.update(names)
            if len(connection.subscribed) > MOST_SUBSCRIPTIONS:
                connection.cut()
            venue.streams.markets.add(connection)
        case "UNSUBSCRIBE":
            connection.subscribed.difference_update(names)
        case "LIST_SUBSCRIPTIONS":
            result = sorted(connection.subscribed)
        case _:
            raise Refusal(-1020, "This operation is not supported.")
    connection.send(json.dumps({"result": result, "id": message.get("id")}))


def broadcast_books(venue: Venue, moved: Iterable[str]) -> None:
    for name in moved:
        stream = name.lower() + "@bookTicker"
        quote = book_ticker(venue, name)
        event = {
            "u": venue.now(),
            "s": name,
            "b": quote["bidPrice"],
            "B": quote["bidQty"],
            "a": quote["askPrice"],
            "A": quote["askQty"],
        }
        venue.streams.tell_market(stream, event)


def broadcast_tickers(venue: Venue) -> None:
    """Once a second: tickers and candles of those symbols that somebody watches."""
    for stream in venue.streams.wanted():
        event = _ticker_of(venue, stream)
        if event:
            venue.streams.tell_market(stream, event)


def _ticker_of(venue: Venue, stream: str) -> Message | list[Message] | None:
    name, _, channel = stream.partition("@")
    if name in ("!miniTicker", "!ticker") and channel == "arr":
        shape = _mini if name == "!miniTicker" else _full
        return [shape(venue, each) for each in venue.symbols]
    if name.upper() not in venue.symbols:
        return None
    channel, _, interval = channel.partition("_")
    make = _CHANNELS.get(channel)
    if make is not None:
        return make(venue, name.upper())
    return _kline(venue, name.upper(), interval) if channel == "kline" and interval in INTERVALS else None


def _mini(venue: Venue, name: str) -> Message:
    day = day_ticker(venue, name)
    return {
        "e": "24hrMiniTicker",
        "E": venue.now(),
        "s": name,
        "c": day["lastPrice"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
    }


def _full(venue: Venue, name: str) -> Message:
    day = day_ticker(venue, name)
    return {
        **_mini(venue, name),
        "e": "24hrTicker",
        "p": day["priceChange"],
        "P": day["priceChangePercent"],
        "w": day["weightedAvgPrice"],
        "x": day["prevClosePrice"],
        "Q": day["lastQty"],
        "b": day["bidPrice"],
        "B": day["bidQty"],
        "a": day["askPrice"],
        "A": day["askQty"],
        "O": day["openTime"],
        "C": day["closeTime"],
        "F": day["firstId"],
        "L": day["lastId"],
        "n": day["count"],
    }


_CHANNELS: dict[str, Callable[[Venue, str], Message]] = {"miniTicker": _mini, "ticker": _full}


def _kline(venue: Venue, name: str, interval: str) -> Message:
    candle = venue.history(name).candles(interval, None, None, 1)[0]
    return {
        "e": "kline",
        "E": venue.now(),
        "s": name,
        "k": {
            "t": candle.opened_at,
            "T": candle.opened_at + INTERVALS[interval] * MINUTE - 1,
            "s": name,
            "i": interval,
            "f": 0,
            "L": 0,
            "o": show(candle.open),
            "c": show(candle.close),
            "h": show(candle.high),
            "l": show(candle.low),
            "v": show(candle.volume),
            "n": candle.trades,
            "x": False,
            "q": show(candle.quote_volume),
            "V": show(candle.volume // 2),
            "Q": show(candle.quote_volume // 2),
            "B": "0",
        },
    }
