"""One-minute candles per symbol: what klines and the 24-hour ticker are made of."""

import math
import random
from collections import deque
from dataclasses import dataclass

from .amounts import UNIT
from .symbols import Symbol

MINUTE = 60_000
DAY_MINUTES = 1440
INTERVALS = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60,
    "2h": 120, "4h": 240, "6h": 360, "8h": 480, "12h": 720, "1d": 1440,
}  # fmt: skip


@dataclass(slots=True)
class Candle:
    opened_at: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    trades: int

    def absorb(self, price: int, quote_volume: int, trades: int) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.quote_volume += quote_volume
        self.volume += quote_volume * UNIT // price
        self.trades += trades


class History:
    """The last two days of one symbol; what came before the start is drawn from the seed."""

    def __init__(self, symbol: Symbol, price: int, now: int, seed: int) -> None:
        self.symbol = symbol
        self.minutes: deque[Candle] = deque(maxlen=2 * DAY_MINUTES)
        self.tick_volume = symbol.day_volume * UNIT // (86_400 * 4)
        self._invent(price, now // MINUTE * MINUTE, random.Random(f"{seed}:{symbol.name}:history"))

    def _invent(self, price: int, until: int, draw: random.Random) -> None:
        """Walk backwards from the present price, so that the past joins it without a jump."""
        close = float(price)
        backwards: list[Candle] = []
        for index in range(1, DAY_MINUTES + 1):
            opening = close * math.exp(draw.gauss(0, 0.0006))
            reach = abs(draw.gauss(0, 0.0003))
            backwards.append(self._candle(until - index * MINUTE, opening, close, reach))
            close = opening
        self.minutes.extend(reversed(backwards))

    def _candle(self, opened_at: int, opening: float, close: float, reach: float) -> Candle:
        symbol = self.symbol
        quote_volume = self.tick_volume * 240
        ends = symbol.to_tick(int(opening)), symbol.to_tick(int(close))
        high = symbol.to_tick(int(max(opening, close) * (1 + reach)))
        low = symbol.to_tick(int(min(opening, close) * (1 - reach)))
        volume = quote_volume * UNIT // ends[1]
        return Candle(
            opened_at, ends[0], max(high, *ends), min(low, *ends), ends[1], volume, quote_volume, 240
        )

    def record(self, price: int, now: int, quote_volume: int | None = None) -> None:
        opened_at = now // MINUTE * MINUTE
        if not self.minutes or self.minutes[-1].opened_at < opened_at:
            self.minutes.append(Candle(opened_at, price, price, price, price, 0, 0, 0))
        self.minutes[-1].absorb(price, self.tick_volume if quote_volume is None else quote_volume, 1)

    def day(self, now: int) -> Candle:
        """The last 24 hours as one candle."""
        since = now - DAY_MINUTES * MINUTE
        return _merge([candle for candle in self.minutes if candle.opened_at >= since])

    def candles(self, interval: str, start: int | None, end: int | None, limit: int) -> list[Candle]:
        """The newest `limit`, or the first ones from `start`, oldest first."""
        width = INTERVALS[interval] * MINUTE
        groups: dict[int, list[Candle]] = {}
        for candle in self.minutes:
            groups.setdefault(candle.opened_at // width * width, []).append(candle)
        merged = [
            _merge(group, opened_at)
            for opened_at, group in groups.items()
            if (start is None or opened_at >= start) and (end is None or opened_at <= end)
        ]
        return merged[:limit] if start is not None else merged[-limit:]


def _merge(candles: list[Candle], opened_at: int | None = None) -> Candle:
    return Candle(
        opened_at=candles[0].opened_at if opened_at is None else opened_at,
        open=candles[0].open,
        high=max(candle.high for candle in candles),
        low=min(candle.low for candle in candles),
        close=candles[-1].close,
        volume=sum(candle.volume for candle in candles),
        quote_volume=sum(candle.quote_volume for candle in candles),
        trades=sum(candle.trades for candle in candles),
    )
