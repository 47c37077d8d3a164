"""A real paper exchange in its own process, and ccxt's real classes with only their transport replaced."""

from __future__ import annotations

import http.client
import json
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import ccxt.async_support
import pytest
from django.conf import settings

from exchanges import clients, clock, gateway, limits, loop, venues
from exchanges.types import Account, OrderRequest, OrderType, Side

ROOT = Path(__file__).resolve().parents[2]
_ids = iter(range(1, 1_000_000))


class PaperExchange:
    """The process, and its control routes."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "paper_exchange", "--port", "0", "--seed", "7"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]

    def control(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=5)
        try:
            connection.request(method, f"/control/{path}", None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < 300, text
            return json.loads(text or b"null")
        finally:
            connection.close()

    def fail(self, **rule: object) -> None:
        self.control("POST", "faults", rule)

    def heal(self) -> None:
        self.control("DELETE", "faults")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(5)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="session")
def paper_process() -> Iterator[PaperExchange]:
    paper = PaperExchange()
    yield paper
    paper.stop()


@pytest.fixture(autouse=True)
def limits_of_this_test() -> Iterator[None]:
    """What a test makes of a venue's limits is nobody else's."""
    limits.configure("")
    yield
    limits.configure(settings.REDIS_URL)


@pytest.fixture
def paper(paper_process: PaperExchange) -> Iterator[PaperExchange]:
    gateway.configure({}, paper_process.url)
    yield paper_process
    paper_process.heal()
    gateway.configure({}, "")


@pytest.fixture
def account(paper: PaperExchange) -> Account:
    opened = gateway.open_paper_account({"USDT": Decimal(10_000), "BTC": Decimal("0.5")})
    return Account("paper", loop.run(opened, 10))


@pytest.fixture
def order(paper: PaperExchange) -> Callable[..., OrderRequest]:
    """An order that fills at once, unless the test changes something about it."""
    quote = loop.run(gateway.fetch_quotes("paper", ["BTC/USDT"]), 10)["BTC/USDT"]

    def build(**changes: Any) -> OrderRequest:
        fields: dict[str, Any] = {
            "client_order_id": f"ctest{next(_ids):013d}",
            "symbol": "BTC/USDT",
            "side": Side.BUY,
            "type": OrderType.LIMIT_IOC,
            "quantity": Decimal("0.001"),
            "price": ((quote.ask or quote.last) * Decimal("1.02")).quantize(Decimal("0.01")),
            "signed_at": gateway.venue_now("paper"),
        }
        return OrderRequest(**{**fields, **changes})

    return build


@pytest.fixture
def heard() -> queue.Queue[Any]:
    return queue.Queue()


@pytest.fixture
def every_venue_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of refused venues are tested too."""
    offered = {name: replace(venue, not_supported_because="") for name, venue in venues.VENUES.items()}
    monkeypatch.setattr(venues, "VENUES", offered)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for look-ups that come later."""
    monkeypatch.setattr(gateway, "FOLLOW_UP_SECONDS", ())


@pytest.fixture
def signed_at() -> datetime:
    """A claim one second ago, in whole milliseconds as venues count."""
    return clock.at_milliseconds(clock.milliseconds(datetime.now(UTC) - timedelta(seconds=1)))


class Wire:
    """In the place of ccxt's transport: keeps each request that would leave, and answers from a list."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.requests: list[dict[str, Any]] = []

    def note(self, url: str, method: str, headers: Mapping[str, str], body: str | None) -> Any:
        parts = urlsplit(url)
        self.requests.append(
            {
                "method": method,
                "host": parts.netloc,
                "path": parts.path,
                "query": dict(parse_qsl(parts.query)),
                "headers": dict(headers or {}),
                "body": _read_body(body),
            }
        )
        return self.answers.pop(0) if self.answers else {}


def _read_body(body: str | None) -> Any:
    if not body:
        return {}
    return json.loads(body) if body[0] in "[{" else dict(parse_qsl(body))


@pytest.fixture
def wired(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Wire]:
    """Real ccxt classes with markets from here, whose requests end at the returned Wire."""
    gateway.configure({}, "")

    def wire(exchange: str, *answers: Any) -> Wire:
        caught = Wire(list(answers))

        async def fetch(
            self: Any, url: str, method: str = "GET", headers: Any = None, body: Any = None
        ) -> Any:
            return caught.note(url, method, self.prepare_request_headers(headers), body)

        # Orders would otherwise go past ccxt's own fetch.
        monkeypatch.setattr(clients, "DIRECT", frozenset())
        monkeypatch.setattr(getattr(ccxt.async_support, exchange), "fetch", fetch, raising=False)
        loop.run(_give_markets(exchange), 10)
        return caught

    return wire


async def _give_markets(exchange: str) -> None:
    instance = clients.base_of(exchange).instance
    named = {"kraken": "XBTUSDT", "gate": "BTC_USDT"} | dict.fromkeys(
        ("okx", "kucoin", "coinbase"), "BTC-USDT"
    )
    market_id = named.get(exchange, "BTCUSDT")
    instance.set_markets(
        [
            instance.safe_market_structure(
                {
                    "id": market_id,
                    "symbol": "BTC/USDT",
                    "base": "BTC",
                    "quote": "USDT",
                    "baseId": "BTC",
                    "quoteId": "USDT",
                    "type": "spot",
                    "spot": True,
                    "active": True,
                    "precision": {"amount": "0.00001", "price": "0.01"},
                    "limits": {"amount": {"min": "0.00001"}, "cost": {"min": "5"}},
                    "info": {"orderTypes": ["LIMIT", "MARKET"], "altname": "XBTUSDT"},
                }
            )
        ]
    )
