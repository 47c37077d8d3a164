"""Where prices come from: a seeded walk, candles from a file, or another venue's public prices."""

import asyncio
import csv
import itertools
import logging
import math
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from .amounts import UNIT, parse, show
from .symbols import Symbol

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
ReadPrices = Callable[[], Awaitable[Mapping[str, Decimal]]]


class Prices:
    """The last price of each symbol, in units of 10⁻⁸ and on its tick."""

    def __init__(self, symbols: Mapping[str, Symbol], *, seed: int, volatility: float) -> None:
        self.symbols = symbols
        self.last = {symbol.name: symbol.first_price for symbol in symbols.values()}
        self.frozen: set[str] = set()
        self._draw = random.Random(seed)
        self._deviation = volatility * math.sqrt(TICK_SECONDS / 86_400)
        self._level = {name: float(price) for name, price in self.last.items()}
        self._outside: set[str] = set()
        self._replays: dict[str, Iterator[int]] = {}
        self._crosses = {
            symbol.name: (symbol.base + "USDT", symbol.quote + "USDT")
            for symbol in symbols.values()
            if {symbol.base + "USDT", symbol.quote + "USDT"} <= symbols.keys()
        }

    def put(self, name: str, price: int) -> None:
        """Set a price; the walk goes on from there, a cross then by itself."""
        symbol = self.symbols[name]
        self.last[name] = symbol.to_tick(price)
        self._level[name] = float(self.last[name])
        self._crosses.pop(name, None)

    def step(self) -> list[str]:
        """One tick of the walk. The names whose price moved."""
        moved = [name for name in self.last if self._move(name)]
        for name, (base, quote) in self._crosses.items():
            if name not in self.frozen and self._set(name, self._level[base] / self._level[quote] * UNIT):
                moved.append(name)
        return moved

    def _move(self, name: str) -> bool:
        noise = self._draw.gauss(0, self._deviation)
        if name in self.frozen or name in self._outside or name in self._crosses:
            return False
        return self._set(name, self._level[name] * math.exp(noise))

    def _set(self, name: str, level: float) -> bool:
        self._level[name] = level
        price = self.symbols[name].to_tick(int(level))
        changed = price != self.last[name]
        self.last[name] = price
        return changed

    def replay(self, name: str, prices: Iterable[int]) -> None:
        """Take this symbol's next prices from a file; the last one stays. Raises ValueError for no symbol."""
        if name not in self.symbols:
            raise ValueError(f"no symbol is called {name}")
        self._replays[name] = iter(prices)
        self._outside.add(name)
        self._crosses.pop(name, None)
        self.step_replay(name)

    def replayed(self) -> list[str]:
        return list(self._replays)

    def step_replay(self, name: str) -> bool:
        if name in self.frozen:
            return False
        price = next(self._replays[name], None)
        return price is not None and self._set(name, float(price))

    def take(self, read: Mapping[str, Decimal]) -> list[str]:
        """Prices of another venue, by unified symbol or by the venue's name. What it lacks keeps walking."""
        moved = []
        for key, value in read.items():
            name = key.replace("/", "")
            if name not in self.symbols or not value.is_finite() or value <= 0:
                continue
            self._outside.add(name)
            self._crosses.pop(name, None)
            if name not in self.frozen and self._set(name, float(value) * UNIT):
                moved.append(name)
        return moved

    def snapshot(self) -> dict[str, str]:
        return {name: show(price) for name, price in self.last.items()}

    def restore(self, snapshot: Mapping[str, str]) -> None:
        for name, price in snapshot.items():
            if name in self.symbols:
                self._set(name, float(parse(price)))


def candle_prices(path: Path) -> Iterator[int]:
    """Open, the nearer extreme, the farther one, close of each row of `date,open,high,low,close,volume`."""
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            opening, high, low, close = (_amount(row[column]) for column in ("open", "high", "low", "close"))
            yield from (opening, low, high, close) if close >= opening else (opening, high, low, close)


def _amount(text: str) -> int:
    return int((Decimal(text) * UNIT).to_integral_value())


def symbol_of(path: Path) -> str:
    """ "ETH-BTC-5m.csv" → "ETHBTC"."""
    return "".join(itertools.islice(path.stem.split("-"), 2))


async def follow(
    read_prices: ReadPrices, apply: Callable[[Mapping[str, Decimal]], None], seconds: float
) -> None:
    """Read another venue's prices for ever. A failed reading keeps the last prices."""
    while True:
        try:
            apply(await read_prices())
        except Exception:  # the injected reader may raise anything, and the market goes on
            log.warning("prices could not be read, the last ones stay", exc_info=True)
        await asyncio.sleep(seconds)
