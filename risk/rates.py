"""What one currency is worth in another, from the middle of fresh prices. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

# Most coins are priced in it.
THROUGH = "USDT"


class Rates:
    """Prices by symbol. What has none is unknown; two dollar coins are two currencies."""

    def __init__(self, prices: Mapping[str, Decimal] | None = None) -> None:
        self._prices = prices or {}

    def rate(self, source: str, target: str) -> Decimal | None:
        """The worth of one unit of `source` in `target`, directly or through one other currency."""
        direct = self._direct(source, target)
        if direct is not None:
            return direct
        first, second = self._direct(source, THROUGH), self._direct(THROUGH, target)
        return None if first is None or second is None else first * second

    def _direct(self, source: str, target: str) -> Decimal | None:
        if source == target:
            return Decimal(1)
        price = self._prices.get(f"{source}/{target}")
        if price:
            return price
        inverse = self._prices.get(f"{target}/{source}")
        return Decimal(1) / inverse if inverse else None


def symbols_between(source: str, target: str) -> set[str]:
    """The symbols by which `Rates` may tell the worth of one in the other."""
    pairs = [(source, target), (source, THROUGH), (THROUGH, target)]
    both = {f"{a}/{b}" for a, b in pairs if a != b} | {f"{b}/{a}" for a, b in pairs if a != b}
    return both if source != target else set()
