"""As fast as ccxt alone can place orders: one warm instance, everything shared, nothing stored."""

from __future__ import annotations

import asyncio
import copy
import ssl
import time

import aiohttp
import ccxt.async_support
import certifi

from benchmarks.orders import Keys, Order, at_venue

REQUESTS_AT_ONCE = 500


class Client(ccxt.async_support.binance):  # type: ignore[misc]
    def __del__(self) -> None:
        """ccxt warns here about a session left open; ours is shared."""


class BareCcxt:
    """`copy` places the order on every account and returns the seconds of CPU it took."""

    def __init__(self, venue: str, followers: list[Keys]) -> None:
        self.followers = followers
        self.runner = asyncio.Runner()
        self.base = self.runner.run(self._warm_base(venue))

    async def _warm_base(self, venue: str) -> Client:
        context = ssl.create_default_context(cafile=certifi.where())
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        session = aiohttp.ClientSession(connector=connector)
        base: Client = at_venue(Client({"session": session, "enableRateLimit": False}), venue)
        await base.load_markets()
        return base

    def copy(self, order: Order) -> float:
        began = time.process_time()
        self.runner.run(self._place_all(order))
        return time.process_time() - began

    async def _place_all(self, order: Order) -> None:
        turns = asyncio.Semaphore(REQUESTS_AT_ONCE)

        async def place(keys: Keys) -> None:
            client = copy.copy(self.base)
            client.apiKey, client.secret = keys.api_key, keys.secret
            client.options = dict(self.base.options)
            async with turns:
                await client.create_order(*order.arguments())

        await asyncio.gather(*map(place, self.followers))
