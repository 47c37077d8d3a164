"""What every copier is given: accounts of the paper exchange, and the order to place on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SYMBOL = "BTC/USDT"
VENUE_SYMBOL = "BTCUSDT"
PRICE = "100000"


@dataclass(frozen=True, slots=True)
class Keys:
    """An account's keys at the paper exchange."""

    api_key: str
    secret: str
    uid: str


@dataclass(frozen=True, slots=True)
class Order:
    """An immediate-or-cancel limit, as the platform places for an entry. Amount in base, price in quote."""

    amount: str
    price: str

    def arguments(self) -> tuple[Any, ...]:
        """Of ccxt's create_order."""
        return (SYMBOL, "limit", "buy", self.amount, self.price, {"timeInForce": "IOC"})


def at_venue(client: Any, venue: str) -> Any:
    """A binance client of ccxt whose addresses are the paper exchange's."""
    client.urls["api"] |= {
        "public": f"{venue}/api/v3",
        "private": f"{venue}/api/v3",
        "v1": f"{venue}/api/v1",
        "sapi": f"{venue}/sapi/v1",
    }
    client.options["fetchMarkets"] = {"types": ["spot"]}
    client.has = {**client.has, "fetchCurrencies": False}
    return client
