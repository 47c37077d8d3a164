"""What is traded here, and the filters an order has to pass."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .amounts import UNIT, parse, show
from .answers import invalid_symbol

ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
MAX_OPEN_ORDERS = 200
MAX_PRICE = 1_000_000 * UNIT


@dataclass(slots=True)
class Symbol:
    """Prices, quantities and notionals in units of 10⁻⁸; `day_volume` is whole units of the quote coin."""

    name: str
    base: str
    quote: str
    tick: int
    step: int
    min_quantity: int
    max_quantity: int
    market_max_quantity: int
    min_notional: int
    max_notional: int
    first_price: int
    day_volume: int
    multiplier_up: int = 5 * UNIT
    multiplier_down: int = UNIT // 5

    def to_tick(self, price: int) -> int:
        return max(self.tick, (price + self.tick // 2) // self.tick * self.tick)

    def usual_quantity(self, price: int) -> int:
        """What the public trades in a quarter of a second."""
        quantity = self.day_volume * UNIT // (86_400 * 4) * UNIT // price
        return max(self.step, quantity // self.step * self.step)

    def filters(self) -> list[dict[str, Any]]:
        up, down = _short(self.multiplier_up), _short(self.multiplier_down)
        return [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": show(self.tick),
                "maxPrice": show(MAX_PRICE),
                "tickSize": show(self.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": show(self.min_quantity),
                "maxQty": show(self.max_quantity),
                "stepSize": show(self.step),
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": show(0),
                "maxQty": show(self.market_max_quantity),
                "stepSize": show(0),
            },
            # avgPriceMins 0 is the venue's way to say "measured against the last price".
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": up,
                "bidMultiplierDown": down,
                "askMultiplierUp": up,
                "askMultiplierDown": down,
                "avgPriceMins": 0,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": show(self.min_notional),
                "applyMinToMarket": True,
                "maxNotional": show(self.max_notional),
                "applyMaxToMarket": False,
                "avgPriceMins": 0,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MAX_OPEN_ORDERS},
        ]

    def describe(self, *, halted: bool) -> dict[str, Any]:
        return {
            "symbol": self.name,
            "status": "BREAK" if halted else "TRADING",
            "baseAsset": self.base,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": list(ORDER_TYPES),
            "icebergAllowed": False,
            "ocoAllowed": False,
            "otoAllowed": False,
            "quoteOrderQtyMarketAllowed": True,
            "allowTrailingStop": False,
            "cancelReplaceAllowed": False,
            "amendAllowed": False,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": self.filters(),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
        }

    def change(self, changes: Mapping[str, str]) -> None:
        """Set filters by the venue's names. Raises KeyError for an unknown name, ValueError for no number."""
        parsed = {_CHANGEABLE[name]: parse(value) for name, value in changes.items()}
        for attribute, value in parsed.items():
            setattr(self, attribute, value)


_CHANGEABLE = {
    "tickSize": "tick",
    "stepSize": "step",
    "minQty": "min_quantity",
    "maxQty": "max_quantity",
    "marketMaxQty": "market_max_quantity",
    "minNotional": "min_notional",
    "maxNotional": "max_notional",
    "multiplierUp": "multiplier_up",
    "multiplierDown": "multiplier_down",
}


def _short(amount: int) -> str:
    return show(amount).rstrip("0").rstrip(".")


# base, quote, tick, step, largest market order, smallest notional, first price, a day's volume in the quote
_LISTING = """
BTC USDT 0.01 0.00001 120 5 97250.40 2100000000
ETH USDT 0.01 0.0001 2500 5 3410.25 1300000000
BNB USDT 0.01 0.001 1500 5 652.30 260000000
SOL USDT 0.01 0.001 20000 5 184.62 620000000
XRP USDT 0.0001 0.1 1500000 5 2.3150 710000000
ADA USDT 0.0001 0.1 1200000 5 0.7320 120000000
DOGE USDT 0.00001 1 7000000 5 0.20450 210000000
LTC USDT 0.01 0.001 9000 5 98.70 64000000
TRX USDT 0.0001 0.1 5000000 5 0.2790 75000000
DOT USDT 0.001 0.01 120000 5 5.412 42000000
LINK USDT 0.01 0.01 90000 5 16.85 88000000
AVAX USDT 0.01 0.01 60000 5 26.40 66000000
BCH USDT 0.1 0.001 1200 5 482.3 38000000
ATOM USDT 0.001 0.01 90000 5 4.915 18000000
UNI USDT 0.001 0.01 80000 5 8.212 29000000
NEAR USDT 0.001 0.1 300000 5 3.105 34000000
ETC USDT 0.01 0.01 25000 5 21.74 16000000
XLM USDT 0.0001 1 2500000 5 0.3120 39000000
AAVE USDT 0.01 0.001 4000 5 214.60 41000000
FIL USDT 0.001 0.01 90000 5 3.226 14000000
SHIB USDT 0.00000001 1 25000000000 1 0.00001342 58000000
PEPE USDT 0.00000001 1 90000000000 1 0.00000812 160000000
BONK USDT 0.00000001 1 40000000000 1 0.00001985 26000000
USDC USDT 0.0001 1 10000000 5 0.9998 900000000
ETH BTC 0.00001 0.0001 600 0.0001 0.03507 2600
LTC BTC 0.000001 0.001 4500 0.0001 0.001015 60
BNB BTC 0.000001 0.001 900 0.0001 0.006707 190
SOL BTC 0.0000001 0.001 6000 0.0001 0.0018984 240
XRP BTC 0.00000001 1 400000 0.0001 0.00002380 180
XRP ETH 0.00000001 0.1 150000 0.001 0.00067883 900
"""


def listing() -> dict[str, Symbol]:
    """All symbols by the venue's name, fresh."""
    return {symbol.name: symbol for symbol in map(_listed, _LISTING.strip().splitlines())}


def _listed(line: str) -> Symbol:
    base, quote, tick, step, market_maximum, notional, price, volume = line.split()
    return Symbol(
        name=base + quote,
        base=base,
        quote=quote,
        tick=parse(tick),
        step=parse(step),
        min_quantity=parse(step),
        max_quantity=parse(market_maximum) * 10,
        market_max_quantity=parse(market_maximum),
        min_notional=parse(notional),
        max_notional=9_000_000 * UNIT,
        first_price=parse(price),
        day_volume=int(volume),
    )


def find(symbols: Mapping[str, Symbol], name: str) -> Symbol:
    try:
        return symbols[name]
    except KeyError:
        raise invalid_symbol() from None


def exchange_info(symbols: Iterable[Symbol], *, now: int, halted: frozenset[str]) -> dict[str, Any]:
    return {
        "timezone": "UTC",
        "serverTime": now,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
            {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000},
        ],
        "exchangeFilters": [],
        "symbols": [symbol.describe(halted=symbol.name in halted) for symbol in symbols],
    }
