"""Orders, look-ups and balances against the paper exchange, over real HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from exchanges import clients, gateway, loop, venues
from exchanges.errors import (
    DuplicateOrder,
    ExchangeError,
    FilterRefused,
    InsufficientFunds,
    NotPlaced,
    SymbolUnknown,
    VenueNotSupported,
)
from exchanges.types import Account, OrderReport, OrderRequest, OrderType, Side

Order = Callable[..., OrderRequest]


def place(account: Account, request: OrderRequest) -> OrderReport:
    return loop.run(gateway.place(account, request), 20)


def look_up(account: Account, request: OrderRequest) -> OrderReport | None:
    question = gateway.look_up(
        account,
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        since=request.signed_at - timedelta(minutes=1),
    )
    return loop.run(question, 20)


def test_an_order_comes_back_with_its_fills(account: Account, order: Order) -> None:
    request = order()
    report = place(account, request)
    assert report.client_order_id == request.client_order_id
    assert report.filled == report.requested == request.quantity
    assert report.is_final
    assert report.fills_complete
    assert report.fills[-1].order_is_final
    assert all(fill.fee > 0 and fill.fee_asset == "BTC" for fill in report.fills)
    assert report.average_price is not None
    assert request.price is not None
    assert report.average_price <= request.price
    assert abs(report.at - request.signed_at) < timedelta(seconds=30)


def test_a_look_up_tells_the_same_as_the_answer_did(account: Account, order: Order) -> None:
    request = order()
    answer = place(account, request)
    assert look_up(account, request) == answer


def test_an_order_that_was_never_sent_is_not_known(account: Account, order: Order) -> None:
    assert look_up(account, order()) is None


def test_a_market_order_sells_a_quantity(account: Account, order: Order) -> None:
    request = order(type=OrderType.MARKET, side=Side.SELL, price=None, quantity=Decimal("0.01"))
    report = place(account, request)
    assert report.filled == Decimal("0.01")
    balances = loop.run(gateway.fetch_balances(account), 10)
    assert balances["BTC"].total == Decimal("0.49")


def test_an_order_beyond_the_market_is_final_and_empty(account: Account, order: Order) -> None:
    request = order()
    assert request.price is not None
    low = (request.price * Decimal("0.95")).quantize(Decimal("0.01"))
    report = place(account, replace(request, price=low))
    assert report.is_final
    assert report.filled == 0
    assert report.fills == ()
    assert report.average_price is None


def test_a_resting_order_can_be_cancelled_once_and_again(account: Account, order: Order) -> None:
    request = order()
    assert request.price is not None
    low = (request.price * Decimal("0.9")).quantize(Decimal("0.01"))
    request = replace(request, type=OrderType.LIMIT, price=low)
    assert not place(account, request).is_final
    locked = loop.run(gateway.fetch_balances(account), 10)["USDT"].locked
    assert locked == low * request.quantity
    for _ in range(2):
        report = loop.run(
            gateway.cancel(account, client_order_id=request.client_order_id, symbol=request.symbol), 10
        )
        assert report is not None
        assert report.is_final
        assert report.filled == 0


def test_cancelling_a_filled_order_tells_its_fills(account: Account, order: Order) -> None:
    request = order()
    report = place(account, request)
    cancelled = gateway.cancel(account, client_order_id=request.client_order_id, symbol=request.symbol)
    assert loop.run(cancelled, 10) == report


def test_cancelling_an_unknown_order_says_so(account: Account) -> None:
    assert loop.run(gateway.cancel(account, client_order_id="cnever", symbol="BTC/USDT"), 10) is None


def test_an_open_order_keeps_its_id_to_itself(account: Account, order: Order) -> None:
    request = order()
    assert request.price is not None
    low = (request.price * Decimal("0.9")).quantize(Decimal("0.01"))
    resting = replace(request, type=OrderType.LIMIT, price=low)
    place(account, resting)
    with pytest.raises(DuplicateOrder):
        place(account, resting)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"quantity": Decimal(3)}, InsufficientFunds),
        ({"quantity": Decimal("0.0000001")}, FilterRefused),
        ({"quantity": Decimal("0.00001")}, FilterRefused),
        ({"price": Decimal("1.01")}, FilterRefused),
        ({"symbol": "NO/SUCH"}, SymbolUnknown),
    ],
)
def test_a_refusal_is_told_apart(
    changes: dict[str, Any], expected: type[ExchangeError], account: Account, order: Order
) -> None:
    with pytest.raises(expected) as caught:
        place(account, order(**changes))
    assert type(caught.value) is expected


def test_many_accounts_trade_at_once_each_with_its_own_keys(paper: Any, order: Order) -> None:
    async def trade() -> list[tuple[Account, OrderReport]]:
        opening = [gateway.open_paper_account({"USDT": Decimal(1000)}) for _ in range(60)]
        accounts = [Account("paper", keys) for keys in await asyncio.gather(*opening)]
        reports = await asyncio.gather(*(gateway.place(account, order()) for account in accounts))
        return list(zip(accounts, reports, strict=True))

    for account, report in loop.run(trade(), 30)[::10]:
        since = report.at - timedelta(minutes=1)
        fills = loop.run(gateway.fetch_fills(account, symbol="BTC/USDT", since=since), 10)
        assert {fill.venue_order_id for fill in fills} == {report.venue_order_id}


async def _paper_base() -> clients.Base:
    return clients.base_of("paper")


def test_fills_of_full_pages_are_all_found(
    account: Account, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = [place(account, order()) for _ in range(7)]
    short = replace(venues.VENUES["paper"], trades_page=4, trades_window=timedelta(hours=1))
    monkeypatch.setattr(loop.run(_paper_base(), 10), "venue", short)
    since = reports[0].at - timedelta(hours=5)
    fills = loop.run(gateway.fetch_fills(account, symbol="BTC/USDT", since=since), 30)
    expected = [fill.trade_id for report in reports for fill in report.fills]
    assert [fill.trade_id for fill in fills] == expected


def test_fills_outside_the_asked_time_are_left_out(account: Account, order: Order) -> None:
    report = place(account, order())
    before, after = report.at - timedelta(minutes=5), report.at + timedelta(milliseconds=1)
    fetch = gateway.fetch_fills
    assert loop.run(fetch(account, symbol="BTC/USDT", since=before, until=report.at), 10)
    assert loop.run(fetch(account, symbol="BTC/USDT", since=report.at), 10)
    assert not loop.run(fetch(account, symbol="BTC/USDT", since=after), 10)
    assert not loop.run(
        fetch(account, symbol="BTC/USDT", since=before, until=report.at - timedelta(milliseconds=1)), 10
    )


def test_quotes_have_all_prices_and_only_listed_symbols(paper: Any) -> None:
    quotes = loop.run(gateway.fetch_quotes("paper", ["BTC/USDT", "NO/SUCH"]), 10)
    assert set(quotes) == {"BTC/USDT"}
    assert quotes["BTC/USDT"].bid and quotes["BTC/USDT"].ask
    assert 0 < quotes["BTC/USDT"].bid <= quotes["BTC/USDT"].ask
    assert len(loop.run(gateway.fetch_quotes("paper"), 10)) > 5
    assert loop.run(gateway.fetch_quotes("paper", []), 10) == {}


def test_changed_rules_are_seen_after_a_reload(paper: Any) -> None:
    before = gateway.market_rules_now("paper")["ETH/USDT"]
    paper.control("POST", "filters", {"symbol": "ETHUSDT", "stepSize": "0.5"})
    assert gateway.market_rules_now("paper")["ETH/USDT"] == before
    loop.run(gateway.reload_market_rules("paper"), 10)
    assert gateway.market_rules_now("paper")["ETH/USDT"].lot_step == Decimal("0.5")
    paper.control("POST", "filters", {"symbol": "ETHUSDT", "stepSize": str(before.lot_step)})


def test_rules_carry_the_venues_filters(paper: Any) -> None:
    rules = gateway.market_rules_now("paper")["BTC/USDT"]
    assert (rules.base, rules.quote, rules.active) == ("BTC", "USDT", True)
    assert rules.lot_step > 0
    assert rules.tick_size > 0
    assert rules.min_notional > 0
    assert 0 < rules.max_market_quantity <= rules.max_quantity


def test_an_account_with_its_own_egress_goes_through_it_and_nowhere_else(
    account: Account, order: Order
) -> None:
    request = order()
    with pytest.raises(NotPlaced, match="reached"):
        place(replace(account, proxy_url="http://127.0.0.1:1"), request)
    assert look_up(account, request) is None


def test_no_key_and_no_signature_is_logged_at_any_level(
    account: Account, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        place(account, order())
        loop.run(gateway.fetch_balances(account), 10)
    assert account.credentials.api_key not in caplog.text
    assert account.credentials.secret not in caplog.text
    assert "signature=" not in caplog.text


def test_a_closed_gateway_opens_again(account: Account, order: Order) -> None:
    loop.run(gateway.close(), 10)
    assert place(account, order()).is_final


def test_without_a_paper_exchange_no_account_is_opened() -> None:
    gateway.configure({}, "")
    with pytest.raises(VenueNotSupported):
        loop.run(gateway.open_paper_account({"USDT": Decimal(1)}), 10)


def test_an_override_moves_binance_itself(paper: Any, account: Account, order: Order) -> None:
    request = order()
    gateway.configure({"binance": {"rest": f"{paper.url}/", "ws": paper.url.replace("http", "ws")}}, "")
    assert place(replace(account, exchange="binance"), request).is_final


def test_deposits_and_withdrawals_are_told_exactly(paper: Any, account: Account) -> None:
    since = gateway.venue_now("paper")
    key = account.credentials.api_key
    paper.control("POST", "deposit", {"key": key, "asset": "BTC", "amount": "0.00000001"})
    paper.control("POST", "withdraw", {"key": key, "asset": "USDT", "amount": "1234.56789012"})
    told = loop.run(gateway.fetch_transfers(account, since=since - timedelta(seconds=1)), 10)

    assert {(one.kind.value, one.asset, one.amount, one.fee) for one in told} == {
        ("deposit", "BTC", Decimal("0.00000001"), Decimal(0)),
        ("withdrawal", "USDT", Decimal("1234.56789012"), Decimal(0)),
    }
    assert loop.run(gateway.fetch_transfers(account, since=since + timedelta(minutes=1)), 10) == []
