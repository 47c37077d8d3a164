"""The pages on which two people settle a performance fee."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ledger.models import Bill
from subscriptions.models import Subscription
from tests.factories import StrategyFactory, SubscriptionFactory
from tests.pages.market import text_of


@pytest.fixture
def copy(user) -> Subscription:
    strategy = StrategyFactory.create(performance_fee_percent=Decimal(10))
    return SubscriptionFactory.create(
        follower=user, strategy=strategy, cash=Decimal(1200), agreed_fee_percent=Decimal(10)
    )


def bill_of(copy: Subscription, month: int = 1) -> Bill:
    return Bill.objects.create(
        strategy=copy.strategy,
        subscription=copy,
        month=date(2026, month, 1),
        mark_before=0,
        mark_after=Decimal(2124),
        percent=10,
        amount=Decimal("212.4"),
        asset="USDT",
    )


def test_a_follower_sees_what_is_owed_and_what_is_not_billed_yet(page, copy):
    bill_of(copy)
    text = text_of(page.get("/bills/"))
    assert "212.40" in text
    assert "January 2026" in text
    assert "1,000.00 USDT</td>" in text
    assert "20.00 USDT</td>" in text
    assert "Mark as paid" not in text


def test_a_master_marks_a_bill_as_paid_and_waives_another(client, copy):
    client.force_login(copy.strategy.owner)
    first, second = bill_of(copy), bill_of(copy, 2)
    assert "Mark as paid" in text_of(client.get("/bills/?role=master"))
    client.post(f"/bills/{first.public_id}/", {"act": "paid"})
    client.post(f"/bills/{second.public_id}/", {"act": "waived"})
    assert sorted(Bill.objects.values_list("state", flat=True)) == ["paid", "waived"]
    again = client.post(f"/bills/{first.public_id}/", {"act": "waived"}, follow=True)
    assert "paid or waived already" in text_of(again)


def test_a_word_that_is_neither_decides_nothing(client, copy):
    client.force_login(copy.strategy.owner)
    bill = bill_of(copy)
    assert client.post(f"/bills/{bill.public_id}/", {"act": "x"}).status_code == 404
    bill.refresh_from_db()
    assert bill.state == "open"


def test_a_follower_or_a_stranger_cannot_decide_a_bill(page, client, stranger, copy):
    bill = bill_of(copy)
    assert page.post(f"/bills/{bill.public_id}/", {"act": "paid"}).status_code == 404
    client.force_login(stranger)
    assert client.post(f"/bills/{bill.public_id}/", {"act": "paid"}).status_code == 404
    assert "212.40" not in text_of(client.get("/bills/"))
    bill.refresh_from_db()
    assert bill.state == "open"


def test_the_studio_tells_the_fees(client, copy):
    bill_of(copy)
    client.force_login(copy.strategy.owner)
    assert 'Fees</a></dt><dd class="figure-value">212.40 <span class="unit">USDT' in text_of(
        client.get("/studio/")
    )


def test_more_bills_take_no_more_queries(client, page, copy, count_queries):
    bill_of(copy)
    few = count_queries(page, "/bills/")
    for month in range(2, 9):
        bill_of(copy, month)
    assert count_queries(page, "/bills/") == few


def test_the_follow_page_works_the_fee_out_in_ones_own_numbers(page, user):
    strategy = StrategyFactory.create(performance_fee_percent=Decimal(10), min_capital=Decimal(2000))
    text = text_of(page.get(f"/strategies/{strategy.slug}/follow/"))
    assert "of a gain of 200.00 USDT the master gets 10 %, 20.00, and 180.00 is yours" in text


def test_who_stops_reads_the_fee_that_falls_due(page, copy):
    assert "Fee due by the prices of now: 20.00 USDT" in text_of(
        page.get(f"/subscriptions/{copy.public_id}/stop/")
    )
