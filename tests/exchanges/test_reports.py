"""Reading what a venue tells: what cannot be true is no answer, and so nothing that could be booked."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from exchanges import binance, reports
from exchanges.types import OrderRequest, OrderType, Side

REQUEST = OrderRequest(
    client_order_id="c1",
    symbol="BTC/USDT",
    side=Side.BUY,
    type=OrderType.MARKET,
    quantity=Decimal("0.01"),
    price=None,
    signed_at=datetime(2026, 1, 2, tzinfo=UTC),
)
FILL = {"price": "100000", "qty": "0.01", "commission": "0", "commissionAsset": "BTC", "tradeId": 7}
ANSWER = {
    "orderId": 1,
    "executedQty": "0.01",
    "origQty": "0.01",
    "cummulativeQuoteQty": "1000",
    "status": "FILLED",
    "transactTime": 1_767_312_000_000,
}
TRADE = {"id": "7", "order": "1", "symbol": "BTC/USDT", "side": "buy", "timestamp": 1_767_312_000_000}
NO_AMOUNTS = ("0", "-0.01", "NaN", "Infinity")


def test_a_fill_as_it_should_be_is_read():
    (fill,) = binance.placed({**ANSWER, "fills": [FILL]}, REQUEST).fills
    assert (fill.quantity, fill.price, fill.trade_id) == (Decimal("0.01"), Decimal(100000), "7")
    assert reports.fill_of({**TRADE, "price": 100000, "amount": 0.01}).quantity == Decimal("0.01")


@pytest.mark.parametrize("amount", NO_AMOUNTS)
@pytest.mark.parametrize("name", ["price", "qty"])
def test_an_answer_to_an_order_with_a_fill_of_nothing_is_none(name, amount):
    with pytest.raises(ValueError, match="a fill"):
        binance.placed({**ANSWER, "fills": [FILL | {name: amount}]}, REQUEST)


@pytest.mark.parametrize("amount", NO_AMOUNTS)
@pytest.mark.parametrize("name", ["price", "amount"])
def test_a_trade_of_nothing_is_none(name, amount):
    with pytest.raises(ValueError, match="a fill"):
        reports.fill_of({**TRADE, "price": "100000", "amount": "0.01", name: amount})


NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bid", "ask", "seconds_old", "told"),
    [
        (99, 101, 0, (Decimal(99), Decimal(101))),
        # Somebody stands ready to trade at these: that they are dated long ago changes nothing.
        (99, 101, 3600, (Decimal(99), Decimal(101))),
        (99, 101, None, (Decimal(99), Decimal(101))),
        (None, None, 0, (None, None)),
        (0, 101, 60, (None, None)),
        (99, None, 60, (None, None)),
        (None, None, 61, None),
        # Nobody says when it was traded.
        (None, None, None, None),
    ],
)
def test_the_last_price_counts_alone_only_while_it_is_fresh(bid, ask, seconds_old, told):
    at = None if seconds_old is None else int((NOW - timedelta(seconds=seconds_old)).timestamp() * 1000)
    quotes = reports.quotes({"X/USDT": {"bid": bid, "ask": ask, "last": 100, "timestamp": at}}, NOW)
    assert [(quote.bid, quote.ask) for quote in quotes.values()] == ([told] if told else [])
    assert all(quote.last == 100 for quote in quotes.values())


def test_without_a_last_price_there_is_none():
    assert reports.quotes({"X/USDT": {"bid": 99, "ask": 101, "last": None, "timestamp": None}}, NOW) == {}
