"""Long gaps are asked for in windows the venue takes, and full pages in halves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import ccxt.async_support
import pytest

from exchanges import clients, clock, gateway, loop
from exchanges.errors import Unavailable
from exchanges.types import Account, Credentials, FillReport

START = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = Account("binance", Credentials("KEY", "SECRET"))
Wired = Callable[..., Any]


class Trades:
    """A venue's list of trades: one window at a time, the newest cut off, or the oldest."""

    def __init__(self, moments: list[int], page: int, oldest_first: bool) -> None:
        self.moments = sorted(moments)
        self.page = page
        self.oldest_first = oldest_first
        self.windows: list[tuple[int, int]] = []

    def between(self, since: int, until: int) -> list[dict[str, Any]]:
        self.windows.append((since, until))
        inside = [(number, moment) for number, moment in enumerate(self.moments) if since <= moment <= until]
        shown = inside[: self.page] if self.oldest_first else inside[-self.page :]
        return [self._trade(number, moment) for number, moment in shown]

    def _trade(self, number: int, moment: int) -> dict[str, Any]:
        return {
            "id": str(number),
            "order": str(number),
            "symbol": "BTC/USDT",
            "side": "buy",
            "price": "1",
            "amount": "1",
            "timestamp": moment,
        }


@pytest.fixture
def venue(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> Callable[[Trades], None]:
    wired("binance")

    def use(trades: Trades) -> None:
        async def fetch_my_trades(self: Any, symbol: str, since: int, limit: int, params: Any) -> Any:
            self.sent = True
            return trades.between(since, params["until"])

        monkeypatch.setattr(ccxt.async_support.binance, "fetch_my_trades", fetch_my_trades)
        base = loop.run(_base(), 5)
        monkeypatch.setattr(base, "venue", replace(base.venue, trades_page=trades.page))

    return use


async def _base() -> clients.Base:
    return clients.base_of("binance")


def fills(since: datetime, until: datetime) -> list[FillReport]:
    question = gateway.fetch_fills(ACCOUNT, symbol="BTC/USDT", since=since, until=until)
    return loop.run(question, 20)


def test_a_gap_of_days_is_asked_for_in_windows_of_24_hours(venue: Callable[[Trades], None]) -> None:
    first = clock.milliseconds(START)
    hours = [first + hour * 3_600_000 for hour in range(80)]
    trades = Trades(hours, 1000, oldest_first=True)
    venue(trades)
    found = fills(START, START + timedelta(days=3, hours=8))
    assert [fill.trade_id for fill in found] == [str(number) for number in range(80)]
    day = 24 * 3_600_000
    assert all(until - since < day for since, until in trades.windows)
    assert len(trades.windows) == 4


@pytest.mark.parametrize("oldest_first", [True, False])
def test_a_full_page_hides_nothing_whichever_end_is_cut_off(
    oldest_first: bool, venue: Callable[[Trades], None]
) -> None:
    first = clock.milliseconds(START)
    # A burst: many trades in neighbouring milliseconds, among them two in the same one.
    moments = [first + 5000 + number // 2 for number in range(40)] + [first, first + 9000]
    venue(Trades(moments, 3, oldest_first))
    found = fills(START, START + timedelta(seconds=9))
    assert len({fill.trade_id for fill in found}) == 42
    assert [fill.at for fill in found] == sorted(fill.at for fill in found)


def test_more_than_can_be_told_apart_is_an_error_not_a_loss(venue: Callable[[Trades], None]) -> None:
    moment = clock.milliseconds(START)
    venue(Trades([moment] * 5, 3, oldest_first=True))
    with pytest.raises(Unavailable, match="one millisecond"):
        fills(START, START + timedelta(seconds=1))
