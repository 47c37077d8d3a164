"""The other side of every trade: a synthetic book of several levels around the price.

Liquidity comes back at once: each order meets the whole book of the present price, so the outcome of an order
depends on the price and its own size, never on who came before.
"""

from .amounts import UNIT, multiply
from .symbols import Symbol

LEVELS = 20
Level = tuple[int, int]  # price, quantity


class Book:
    """Asks rising and bids falling around one price of one symbol."""

    __slots__ = ("asks", "bids", "price", "symbol")

    def __init__(self, symbol: Symbol, price: int) -> None:
        self.symbol = symbol
        self.price = price
        gap = max(symbol.tick, _to_tick(symbol, price // 20_000))
        spacing = max(symbol.tick, _to_tick(symbol, price // 5_000))
        self.asks = [self._level(price + gap + spacing * index, index) for index in range(LEVELS)]
        bids = (price - gap - spacing * index for index in range(LEVELS))
        self.bids = [self._level(bid, index) for index, bid in enumerate(bids) if bid > 0]

    def _level(self, price: int, index: int) -> Level:
        """Deeper levels hold more; the wobble depends on the price alone: one price, one book."""
        symbol = self.symbol
        smallest = 200 * symbol.min_notional
        notional = max(smallest, symbol.day_volume * UNIT // 100_000) * (2 + index) // 2
        wobble = 70 + (price // symbol.tick * 7919 + index * 104729) % 61
        quantity = notional * UNIT // price * wobble // 100
        return price, max(symbol.step, quantity // symbol.step * symbol.step)

    def levels(self, side: str) -> list[Level]:
        """The levels which an order of this side meets."""
        return self.asks if side == "BUY" else self.bids

    def takes(self, side: str, quantity: int, limit: int | None) -> list[Level]:
        """What an order for `quantity` takes, best price first, never beyond `limit`."""
        taken: list[Level] = []
        for price, available in self.levels(side):
            if quantity == 0 or (limit is not None and not _reaches(side, limit, price)):
                break
            part = min(quantity, available)
            taken.append((price, part))
            quantity -= part
        return taken

    def takes_for_quote(self, side: str, quote: int) -> list[Level]:
        """What an order for `quote` of the quote coin takes, in whole lot steps."""
        taken: list[Level] = []
        step = self.symbol.step
        for price, available in self.levels(side):
            part = min(available, quote * UNIT // price // step * step)
            if part == 0:
                break
            taken.append((price, part))
            quote -= multiply(part, price)
        return taken

    def crosses(self, side: str, limit: int) -> bool:
        levels = self.levels(side)
        return bool(levels) and _reaches(side, limit, levels[0][0])


def _reaches(side: str, limit: int, price: int) -> bool:
    return price <= limit if side == "BUY" else price >= limit


def _to_tick(symbol: Symbol, distance: int) -> int:
    return distance // symbol.tick * symbol.tick
