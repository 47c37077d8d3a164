from collections.abc import Iterator

import ccxt
import pytest

from tests.paper_exchange.venue_process import PaperExchange, Trader, pointed


@pytest.fixture(scope="session")
def running_venue() -> Iterator[PaperExchange]:
    venue = PaperExchange()
    venue.post("/control/price", {"frozen": True})
    yield venue
    venue.stop()


@pytest.fixture
def venue(running_venue: PaperExchange) -> Iterator[PaperExchange]:
    """The exchange with held prices: BTC 100000, ETH 4000, BNB 500; no faults."""
    for symbol, price in (("BTCUSDT", "100000"), ("ETHUSDT", "4000"), ("BNBUSDT", "500")):
        running_venue.set_price(symbol, price)
    yield running_venue
    running_venue.ask("DELETE", "/control/faults")


@pytest.fixture
def trader(venue: PaperExchange) -> Iterator[Trader]:
    account = venue.open_account()
    exchange = pointed(ccxt.binance, venue, account)
    exchange.load_markets()
    yield Trader(venue, account, exchange)
    exchange.session.close()
