"""The preview on the follow page: for what is typed, with or without JavaScript, and nothing is started."""

from __future__ import annotations

import pytest

from risk.models import RiskLimits
from subscriptions.models import Subscription
from tests.execution.past_trades import past
from tests.factories import ExchangeAccountFactory
from tests.pages.market import text_of
from tests.pages.test_follow import ANSWERS
from wallets.models import ExchangeAccount

ASKED = {name: value for name, value in ANSWERS.items() if name != "confirm"} | {"preview": "1"}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def address(published):
    return f"/strategies/{published.slug}/follow/"


@pytest.fixture
def traded(published):
    """A round trip that wins, and a trade that is too small."""
    past(published, "buy", "0.01")
    past(published, "buy", "0.0001")
    past(published, "sell", "0.0101", "110000")
    return published


def test_the_fragment_tells_how_many_were_copied_and_the_result(page, user, traded, address):
    answer = page.post(address, ASKED, headers=HTMX)
    assert answer.status_code == 200
    shown = text_of(answer)
    assert "<html" not in shown
    assert "Copied 2 of 3; 1 below the exchange's minimum." in shown
    assert "+9.68 USDT" in shown and "107.80 USDT" in shown
    assert "sell 0.00098 BTC" in shown
    assert "Your share is below the exchange's minimum. We keep it" in shown
    assert not Subscription.objects.exists()
    assert not ExchangeAccount.objects.filter(owner=user).exists()


def test_the_settings_that_are_typed_count(page, user, traded, address):
    fixed = {"sizing_mode": "fixed_notional", "sizing_value": "500"}
    assert "Copied 3 of 3." in text_of(page.post(address, ASKED | fixed, headers=HTMX))
    RiskLimits.objects.create(user=user, max_order_notional=50)
    shown = text_of(page.post(address, ASKED, headers=HTMX))
    assert "1 above your limit for one order" in shown


def test_without_javascript_a_button_shows_the_page_with_the_preview_and_what_was_typed(
    page, traded, address
):
    answer = page.post(address, ASKED | {"allocation": "2000"})
    assert answer.status_code == 200
    shown = text_of(answer)
    assert "Copied 2 of 3" in shown
    assert 'value="2000"' in shown
    assert not Subscription.objects.exists()


def test_the_page_asks_for_the_preview_by_itself(page, traded, address):
    shown = text_of(page.get(address))
    assert f'hx-post="{address}"' in shown
    assert '<button class="btn btn-plain" type="submit" name="preview"' in shown


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"allocation": "x"}, "How much do you put in?: Enter a number."),
        ({"allocation": "50"}, "at least 100.00 USDT"),
        ({"account": "someone's"}, "Account: Select a valid choice"),
        ({"sizing_value": "0"}, "Factor, or fixed amount: "),
    ],
)
def test_answers_that_make_no_sense_are_told_in_the_fragment(
    page, traded, address, headers, change, sentence
):
    answer = page.post(address, ASKED | change, headers=headers)
    assert answer.status_code == 422
    assert sentence in text_of(answer)


def test_a_strategy_without_trades_says_so(page, address):
    shown = text_of(page.post(address, ASKED, headers=HTMX))
    assert "It has made no trade in the last 90 days" in shown


def test_trades_that_the_master_hides_are_not_told(page, traded, address):
    traded.positions_visible_to = "nobody"
    traded.save()
    shown = text_of(page.post(address, ASKED, headers=HTMX))
    assert "The master does not show past trades" in shown
    assert "Copied" not in shown


def test_an_account_of_ones_own_is_asked_for_its_exchange(page, user, traded, address):
    account = ExchangeAccountFactory.create(owner=user, free_quote=2000)
    shown = text_of(page.post(address, ASKED | {"account": str(account.public_id)}, headers=HTMX))
    assert "Copied 2 of 3" in shown


def test_a_question_that_was_not_answered_yet_is_no_mistake(page, user, traded, address):
    few = {name: value for name, value in ASKED.items() if name != "allocation"}
    shown = text_of(page.post(address, few, headers=HTMX))
    assert "would have done with these settings" in shown and "required" not in shown
    wrong = text_of(page.post(address, {**few, "allocation": "much"}, headers=HTMX))
    assert "Nothing can be worked out from these answers yet" in wrong
