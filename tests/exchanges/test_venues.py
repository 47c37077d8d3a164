"""Which venues are offered, and why the others are not."""

from __future__ import annotations

import pytest

from exchanges import gateway, venues
from exchanges.errors import VenueNotSupported

OFFERED = ("binance", "okx", "kraken", "bybit")
REFUSED = ("kucoin", "bitget", "gate", "coinbase")


@pytest.mark.parametrize("exchange", OFFERED)
def test_venues_with_a_sound_look_up_are_offered(exchange: str) -> None:
    gateway.supported(exchange)


@pytest.mark.parametrize("exchange", REFUSED)
def test_a_venue_without_a_proven_look_up_is_refused_with_the_reason(exchange: str) -> None:
    with pytest.raises(VenueNotSupported, match=r"look-up|not found there by our order id"):
        gateway.supported(exchange)


@pytest.mark.parametrize("exchange", ["mtgox", "", "Binance", "../etc"])
def test_an_unknown_venue_is_refused(exchange: str) -> None:
    with pytest.raises(VenueNotSupported, match="not an exchange"):
        gateway.supported(exchange)


def test_the_paper_exchange_is_offered_only_where_there_is_one() -> None:
    gateway.configure({}, "")
    with pytest.raises(VenueNotSupported, match="no paper exchange"):
        gateway.supported("paper")
    gateway.configure({}, "http://127.0.0.1:9")
    gateway.supported("paper")
    gateway.configure({}, "")


def test_every_offered_venue_bounds_how_late_an_order_may_come() -> None:
    for venue in venues.VENUES.values():
        assert 0 < venue.accepts_for.total_seconds() <= 5
        assert venue.client_id_param
