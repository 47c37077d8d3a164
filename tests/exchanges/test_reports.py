"""Reading what a venue tells: what cannot be true is no answer, and so nothing that could be booked."""

from datetime import UTC, datetime
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
