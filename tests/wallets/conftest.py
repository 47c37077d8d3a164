"""A paper exchange in its own process; the platform also takes it for Binance, whose protocol it speaks."""

from collections.abc import Iterator

import pytest

from exchanges import gateway, loop
from tests.paper_exchange.venue_process import PaperExchange

UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def wallets_venue() -> Iterator[PaperExchange]:
    venue = PaperExchange()
    venue.post("/control/price", {"frozen": True})
    yield venue
    venue.stop()


@pytest.fixture
def venue(wallets_venue: PaperExchange) -> Iterator[PaperExchange]:
    """Prices are held: BTC 100000, ETH 4000; no faults."""
    for symbol, price in (("BTCUSDT", "100000"), ("ETHUSDT", "4000")):
        wallets_venue.set_price(symbol, price)
    address = wallets_venue.address
    gateway.configure(url_overrides={"binance": address, "okx": UNREACHABLE}, paper_exchange_url=address)
    yield wallets_venue
    wallets_venue.ask("DELETE", "/control/faults")
    loop.close()
