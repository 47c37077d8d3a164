from __future__ import annotations

from execution.models import CopyOrder
from tests.factories import SubscriptionFactory
from tests.pages.market import hold, quote_price, signal_with_copies, text_of


def test_positions_are_summed_and_name_their_copy(page, subscription):
    hold(subscription, "0.01", "600")
    quote_price(64_000)
    answer = page.get("/positions/")
    shown = text_of(answer)
    assert subscription.strategy.name in shown
    assert "640.00" in shown
    assert "60,000.00" in shown  # what one of it cost
    assert "+40.00" in shown


def test_without_a_price_the_sum_is_unknown_and_not_zero(page, subscription):
    hold(subscription, "0.01", "600")
    shown = text_of(page.get("/positions/"))
    assert "A coin has no price now." in shown


def test_what_waits_to_be_traded_is_shown_as_carried(page, subscription):
    position = hold(subscription, "0.01", "600")
    position.target += position.held / 100
    position.save()
    assert "0.0001 carried" in text_of(page.get("/positions/"))


def test_coins_that_were_missing_at_a_sale_are_told(page, subscription):
    (order,) = signal_with_copies(subscription.strategy, [(subscription, "filled")])
    assert "Drift" not in text_of(page.get("/positions/"))
    CopyOrder.objects.filter(pk=order.pk).update(reason_code="coins_missing", kind="exit", side="sell")
    shown = text_of(page.get("/positions/"))
    assert "something else sold or moved them" in shown
    assert f"/orders/{order.public_id}/" in shown


def test_others_positions_do_not_exist(page):
    hold(SubscriptionFactory.create(), "0.01", "600")
    assert "You hold nothing through copies" in text_of(page.get("/positions/"))


def test_a_poll_is_answered_only_where_something_changed(page, client, subscription):
    hold(subscription, "0.01", "600")
    quote_price(64_000)
    first = page.get("/positions/live/")
    after = first.content.decode().partition("after=")[2].partition('"')[0]
    assert page.get("/positions/live/", {"after": after}).status_code == 204
    quote_price(65_000)
    assert page.get("/positions/live/", {"after": after}).status_code == 200
    client.logout()
    gone = client.get("/positions/live/", headers={"HX-Request": "true"})
    assert gone.headers["HX-Redirect"].startswith("/accounts/login/")
