"""A master who trades by hand at the paper exchange, as a real tape of trades says."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import hmac
import itertools
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from local.paths import ROOT

SYMBOL = "XRP/ETH"
VENUE_SYMBOL = "XRPETH"
TAPE = "market/XRP-ETH-trades.csv"
# Like that market's real step: with it price times amount is exact in eight decimals.
LOT_STEP = Decimal(1)
BALANCE = Decimal(125)
# Of the free quote or of the coins, so that there is always something left for the next trade.
MOST_SHARE = Decimal("0.3")
# A follower's share of it is just above the venue's minimum.
SMALLEST_NOTIONAL = Decimal("0.01")
AUDIT_PAGE = 10_000

Control = Callable[[str, str, Any], Any]


@dataclass(frozen=True, slots=True)
class TapeTrade:
    side: str
    price: Decimal
    amount: Decimal


def tape_file() -> Path | None:
    """None where the data is absent."""
    path = Path(os.environ.get("COPYTRADE_DATA") or ROOT / "../shared/data") / TAPE
    return path if path.is_file() else None


def read_tape(path: Path, *, start: int) -> Iterator[TapeTrade]:
    """From the row `start` on, and round, without an end."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            TapeTrade(row["side"], Decimal(row["price"]), Decimal(row["amount"]))
            for row in csv.DictReader(file)
        ]
    at = start % len(rows)
    return itertools.cycle(rows[at:] + rows[:at])


class Master:
    """Knows the account from the exchange's own list of orders, whatever became of the answers.

    `placed` counts the orders of the others by client order id.
    """

    def __init__(self, url: str, keys: dict[str, Any], control: Control) -> None:
        self.url = url
        self.api_key, self.secret = str(keys["api_key"]), str(keys["secret"]).encode()
        self.control = control
        self.quote, self.held = BALANCE, Decimal(0)
        self.trades = 0
        self.placed: Counter[str] = Counter()
        self._audited = 0

    def follow(self, wanted: TapeTrade) -> bool:
        """Trade as the tape does, as far as the account allows; False when that is nothing."""
        self.look()
        free = self.quote / wanted.price if wanted.side == "buy" else self.held
        quantity = min(wanted.amount, free * MOST_SHARE) // LOT_STEP * LOT_STEP
        if quantity * wanted.price < SMALLEST_NOTIONAL:
            return False
        self.control("POST", "price", {"symbol": VENUE_SYMBOL, "price": f"{wanted.price:f}"})
        self._order(wanted.side, quantity)
        return True

    def sell_all(self) -> None:
        """As often as it takes: the book is not endless."""
        self.look()
        while self.held >= LOT_STEP:
            self._order("sell", self.held // LOT_STEP * LOT_STEP)
            self.look()

    def look(self) -> None:
        """Take over what the exchange has accepted since the last look."""
        while True:
            page = self.control("GET", f"audit?after={self._audited}&limit={AUDIT_PAGE}", None)
            for order in page["orders"]:
                self._take(order)
            if page["next"] == self._audited:
                return
            self._audited = page["next"]

    def _take(self, order: dict[str, Any]) -> None:
        if order["key"] != self.api_key:
            self.placed[order["clientOrderId"]] += 1
            return
        executed, quote = Decimal(order["executed"]), Decimal(order["quote"])
        fees = sum((Decimal(fill["commission"]) for fill in order["fills"]), Decimal(0))
        self.trades += bool(executed)
        if order["side"] == "BUY":
            self.held += executed - fees
            self.quote -= quote
        else:
            self.held -= executed
            self.quote += quote - fees

    def _order(self, side: str, quantity: Decimal) -> None:
        """What the answer says, or that none comes, does not matter: the list of orders tells."""
        query = urlencode(
            {
                "symbol": VENUE_SYMBOL,
                "side": side.upper(),
                "type": "MARKET",
                "quantity": f"{quantity:f}",
                "timestamp": int(time.time() * 1000),
            }
        )
        signature = hmac.new(self.secret, query.encode(), hashlib.sha256).hexdigest()
        with contextlib.suppress(requests.RequestException):
            requests.post(
                f"{self.url}/api/v3/order?{query}&signature={signature}",
                headers={"X-MBX-APIKEY": self.api_key},
                timeout=10,
            )
