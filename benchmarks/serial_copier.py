"""The open copiers' shape: a client for each follower, asked one after another, and nothing stored.

In its favour everything is ready before the master trades: clients, markets and open connections.
"""

from __future__ import annotations

import time
from typing import Any

import ccxt

from benchmarks.orders import Keys, Order, at_venue


class SerialCopier:
    """`copy` places the master's order on every follower's account and returns the seconds of CPU it took."""

    def __init__(self, venue: str, followers: list[Keys]) -> None:
        first = self._client(venue, followers[0])
        first.load_markets()
        self.clients = [self._client(venue, keys) for keys in followers]
        for client in self.clients:
            client.set_markets_from_exchange(first)
            client.fetch_time()

    def _client(self, venue: str, keys: Keys) -> Any:
        client = ccxt.binance({"apiKey": keys.api_key, "secret": keys.secret, "enableRateLimit": False})
        return at_venue(client, venue)

    def copy(self, order: Order) -> float:
        began = time.process_time()
        for client in self.clients:
            client.create_order(*order.arguments())
        return time.process_time() - began
