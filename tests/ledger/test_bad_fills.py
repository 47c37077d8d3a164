"""Fills that are unusual and true are booked once each, and the books stay whole."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ledger.checking import check_books
from ledger.models import Posting, Trade
from subscriptions.models import Subscription
from tests.factories import SubscriptionFactory
from tests.ledger.fills import book, fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def copy() -> Subscription:
    return SubscriptionFactory.create()


def test_one_trade_id_on_two_symbols_is_two_trades(copy: Subscription) -> None:
    same = {"venue_order_id": "9", "trade_id": "748"}
    fills = [fill("buy", "1", "100", **same), fill("buy", "2", "50", symbol="ETH/USDT", **same)]
    assert [(trade.symbol, trade.quantity) for trade in book(copy, fills)] == [
        ("BTC/USDT", 1),
        ("ETH/USDT", 2),
    ]
    assert book(copy, fills) == []
    assert not list(check_books())


def test_both_sides_of_a_self_trade_are_booked_and_leave_nothing_but_its_fees(copy: Subscription) -> None:
    same = {"trade_id": "748"}
    fills = [
        fill("buy", "1", "100", "0.1", venue_order_id="1", **same),
        fill("sell", "1", "100", "0.1", venue_order_id="2", **same),
    ]
    assert [trade.side for trade in book(copy, fills)] == ["buy", "sell"]
    assert book(copy, fills) == []
    assert sum(Trade.objects.values_list("realised_pnl", flat=True)) == Decimal("-0.2")
    assert not list(check_books())


def test_a_fee_in_a_third_coin_leaves_coins_that_belong_to_no_copy(copy: Subscription) -> None:
    (trade,) = book(copy, [fill("buy", "1", "100", "0.01", "BNB")])
    paid = Posting.objects.get(trade=trade, asset="BNB")
    assert (paid.source, paid.amount) == (f"account:{copy.exchange_account_id}:unallocated", Decimal("0.01"))
    # Without a price its worth is not known, and never nothing.
    assert trade.fee_in_quote is None
    assert not list(check_books())


def test_a_history_told_again_after_a_restart_books_what_is_new_and_nothing_twice(copy: Subscription) -> None:
    """Newest first, with one unknown fill in the midst of a thousand known ones."""
    history = [fill("buy", "0.001", "100", "0.0001") for _ in range(1_001)]
    missed = history.pop(500)
    assert len(book(copy, history)) == 1_000
    assert [trade.quantity for trade in book(copy, [*reversed(history), missed])] == [missed.quantity]
    assert book(copy, history) == []
    assert not list(check_books())
