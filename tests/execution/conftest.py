"""The paper exchange in its own process, reached as in production: through ccxt over HTTP."""

from collections.abc import Callable, Iterator

import pytest

from accounts.models import Notification
from accounts.notifications.kinds import NotificationKind
from exchanges import clients, gateway, limits, loop
from execution.models import CopyOrder
from tests.execution.world import World, build
from tests.paper_exchange.venue_process import PaperExchange


def reach(venue: PaperExchange) -> None:
    """Point the platform's exchange calls at this process."""
    gateway.configure(url_overrides={}, paper_exchange_url=venue.address)
    loop.run(gateway.warm("paper"), timeout=20)


@pytest.fixture(scope="session")
def running_paper_exchange() -> Iterator[PaperExchange]:
    venue = PaperExchange()
    venue.post("/control/price", {"frozen": True})
    reach(venue)
    yield venue
    venue.stop()


@pytest.fixture
def venue(running_paper_exchange: PaperExchange) -> Iterator[PaperExchange]:
    """The exchange with held prices: BTC 100000, ETH 4000, BNB 500; no faults."""
    venue = running_paper_exchange
    if clients.override_of("paper") != venue.address:
        # Tests of another part have pointed elsewhere.
        reach(venue)
    for symbol, price in (("BTCUSDT", "100000"), ("ETHUSDT", "4000"), ("BNBUSDT", "500")):
        venue.set_price(symbol, price)
    # What another test made the exchange say about our address.
    limits.lift("paper")
    yield venue
    venue.ask("DELETE", "/control/faults")


@pytest.fixture
def world(db: None, venue: PaperExchange) -> World:
    return build(venue)


@pytest.fixture
def order(world: World) -> CopyOrder:
    """A pending entry of the first follower, 0.001 BTC wanted."""
    signal = world.master_trades("buy", "0.01")
    order_ids = world.fan_out(signal)
    return CopyOrder.objects.get(pk=min(order_ids))


@pytest.fixture
def told() -> Callable[[], list[tuple[str, int]]]:
    """`told()`: what kind of notice about their masters which follower was given."""
    about_masters = [
        NotificationKind.MASTER_LOST,
        NotificationKind.MASTER_BACK,
        NotificationKind.MASTER_MOVED_COINS,
        NotificationKind.MASTER_COINS_BACK,
    ]
    rows = Notification.objects.filter(kind__in=about_masters).order_by("pk")
    return lambda: list(rows.all().values_list("kind", "user_id"))
