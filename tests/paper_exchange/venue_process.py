"""A paper exchange in its own process, and unmodified ccxt pointed at it."""

import asyncio
import hashlib
import hmac
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import ccxt
import ccxt.async_support
import ccxt.pro

ROOT = Path(__file__).resolve().parents[2]


class Address:
    """What a test says to a paper exchange at an address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.host = address.removeprefix("http://")

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None):
        """Status and decoded JSON of one plain request."""
        connection = http.client.HTTPConnection(self.host, timeout=10)
        try:
            sent = body if isinstance(body, str | bytes | None) else json.dumps(body)
            connection.request(method, path, sent, headers or {})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def post(self, path: str, body: Any) -> Any:
        status, answer = self.ask("POST", path, body)
        assert status in (200, 201), answer
        return answer

    def open_account(self, **values: Any) -> dict[str, Any]:
        account: dict[str, Any] = self.post("/paper/accounts", {"balances": {"USDT": "10000"}} | values)
        return account

    def fault(self, kind: str, **values: Any) -> None:
        self.post("/control/faults", [{"kind": kind} | values])

    def set_price(self, symbol: str, price: str) -> None:
        self.post("/control/price", {"symbol": symbol, "price": price})

    def audit(self, key: str) -> list[dict[str, Any]]:
        orders, after = [], 0
        while True:
            page = self.ask("GET", f"/control/audit?after={after}")[1]
            orders += [order for order in page["orders"] if order["key"] == key]
            if page["next"] == after:
                return orders
            after = page["next"]

    def signed(self, account: dict[str, Any], method: str, path: str, **params: Any):
        """Status and answer of a hand-made signed request, for what ccxt would not send."""
        query = urlencode({"timestamp": int(time.time() * 1000)} | params)
        signature = hmac.new(account["secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
        return self.ask(
            method, f"{path}?{query}&signature={signature}", headers={"X-MBX-APIKEY": account["api_key"]}
        )


class PaperExchange(Address):
    """A paper exchange in its own process."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "paper_exchange", "--port", "0", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        super().__init__(self.process.stdout.readline().split()[-1])

    def stop(self) -> int:
        self.process.terminate()
        return self._end()

    def kill(self) -> int:
        self.process.kill()
        return self._end()

    def _end(self) -> int:
        code = self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@dataclass
class Trader:
    """An account with an unmodified ccxt exchange of its own."""

    venue: PaperExchange
    account: dict[str, Any]
    ccxt: ccxt.binance

    @property
    def key(self) -> str:
        return str(self.account["api_key"])

    def audit(self) -> list[dict[str, Any]]:
        return self.venue.audit(self.key)

    def run(self, work: Callable[[Any], Awaitable[Any]], kind: Any = ccxt.async_support.binance) -> Any:
        """Run `work` with an async (or pro) exchange of this account, closed afterwards."""

        async def go() -> Any:
            exchange = pointed(kind, self.venue, self.account)
            try:
                await exchange.load_markets()
                return await work(exchange)
            finally:
                await exchange.close()

        return asyncio.run(go())


def pointed(kind: Any, venue: Address, account: dict[str, Any]) -> Any:
    """An exchange of this ccxt class, its addresses replaced as the package's docstring says."""
    exchange = kind({"apiKey": account["api_key"], "secret": account["secret"], "enableRateLimit": False})
    base, ws = venue.address, venue.address.replace("http", "ws", 1)
    exchange.urls["api"].update(
        {
            "public": f"{base}/api/v3",
            "private": f"{base}/api/v3",
            "v1": f"{base}/api/v1",
            "sapi": f"{base}/sapi/v1",
        }
    )
    if kind is ccxt.pro.binance:
        exchange.urls["api"]["ws"]["spot"] = f"{ws}/stream"
        exchange.urls["api"]["ws"]["ws-api"]["spot"] = f"{ws}/ws-api/v3"
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    return exchange
