from __future__ import annotations

import pytest
from django.utils import timezone

from tests.factories import SubscriptionFactory
from tests.ledger.test_api_books import book
from tests.pages.market import text_of


def address_of(copy) -> str:
    return f"/subscriptions/{copy.public_id}/statement/"


def test_a_statement_opens_with_the_allocation_and_tells_each_trade_and_what_it_cost(page, subscription):
    book(subscription, at=timezone.now())
    text = text_of(page.get(address_of(subscription)))
    for told in ("At the beginning", "buy 0.01 BTC", "Fees of the exchange", "At the end"):
        assert told in text


def test_its_files_are_of_the_same_stretch_of_time(page, subscription):
    book(subscription, at=timezone.now())
    today = f"{timezone.now():%Y-%m-%d}"
    shown = page.get(address_of(subscription), {"since": today, "until": today})
    for kind, address in shown.context["files"]:
        answer = page.get(address)
        assert answer.status_code == 200, kind
        assert f"{today}T00:00:00" in answer.getvalue().decode()


@pytest.mark.parametrize(
    "period",
    [
        {"since": "2026-02-30"},
        {"until": "9999-12-31"},
        {"since": "2026-02-02", "until": "2026-02-01"},
        {"since": "0000-01-01"},
    ],
)
def test_a_period_that_is_none_is_told(page, subscription, period):
    assert page.get(address_of(subscription), period).status_code == 422


def test_a_statement_of_others_is_not_found(page):
    assert page.get(address_of(SubscriptionFactory.create())).status_code == 404


def test_the_copys_page_leads_to_its_statement(page, subscription):
    assert address_of(subscription) in page.get(f"/subscriptions/{subscription.public_id}/").content.decode()
