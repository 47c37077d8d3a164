"""A real paper exchange for tests of the API, and accounts connected to it as people connect them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from compliance.audit import SYSTEM
from exchanges import gateway, loop
from strategies.models import Strategy
from strategies.services import Offer
from subscriptions import masters
from tests.paper_exchange.venue_process import PaperExchange
from wallets.models import ExchangeAccount
from wallets.services import open_paper_account

OpenAccount = Callable[..., ExchangeAccount]


@pytest.fixture(scope="module")
def paper_process() -> Iterator[PaperExchange]:
    venue = PaperExchange()
    venue.post("/control/price", {"frozen": True})
    gateway.configure(url_overrides={}, paper_exchange_url=venue.address)
    loop.run(gateway.warm("paper"), timeout=20)
    yield venue
    venue.stop()


@pytest.fixture
def paper(paper_process: PaperExchange) -> PaperExchange:
    """Prices are held: BTC 100000, ETH 4000."""
    for symbol, price in (("BTCUSDT", "100000"), ("ETHUSDT", "4000")):
        paper_process.set_price(symbol, price)
    return paper_process


@pytest.fixture
def open_account(paper: PaperExchange) -> OpenAccount:
    """`open_account(user, "500")`: a paper account with that many USDT."""

    def opened(owner: User, balance: str = "10000") -> ExchangeAccount:
        return open_paper_account(
            owner=owner, label="Paper", balance=Decimal(balance), origin=SYSTEM, now=timezone.now()
        )

    return opened


@pytest.fixture
def published(stranger: User, open_account: OpenAccount) -> Strategy:
    """Bob's strategy on BTC and ETH, which anybody may follow with 100 USDT."""
    return masters.create_strategy(
        owner=stranger,
        exchange_account=open_account(stranger),
        offer=Offer(name="Calm swing", symbols=["BTC/USDT", "ETH/USDT"], min_capital=Decimal(100)),
        status=Strategy.Status.PUBLISHED,
        now=timezone.now(),
    )
