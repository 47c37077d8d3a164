from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from execution.models import CopyOrder
from ledger.models import Position, PricePoint
from risk.models import DayOpening, RiskLimits
from subscriptions.models import Subscription
from tests.factories import SubscriptionFactory
from tests.pages.market import hold, quote_price, signal_with_copies, text_of


def cursor_of(response) -> str:
    shown: str = response.content.decode()
    return shown.partition("/dashboard/feed/?after=")[2].partition('"')[0]


def test_a_visitor_is_led_to_the_log_in(client, db):
    assert client.get("/dashboard/").headers["Location"].startswith("/accounts/login/?next=/dashboard/")


def test_a_poll_after_the_session_ended_leads_the_whole_page_to_the_log_in(client, db):
    answer = client.get("/dashboard/feed/", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/accounts/login/")


def test_an_empty_dashboard_tells_what_to_do_first(page):
    shown = text_of(page.get("/dashboard/"))
    assert "Nothing is copied yet" in shown
    assert "Choose a strategy" in shown


def test_the_feed_answers_204_until_something_is_new(page, subscription):
    signal_with_copies(subscription.strategy, [(subscription, "filled")])
    after = cursor_of(page.get("/dashboard/"))
    assert page.get("/dashboard/feed/", {"after": after}).status_code == 204
    signal_with_copies(subscription.strategy, [(subscription, "skipped")])
    answer = page.get("/dashboard/feed/", {"after": after})
    assert answer.status_code == 200
    assert "Skipped" in text_of(answer)
    assert page.get("/dashboard/feed/", {"after": cursor_of(answer)}).status_code == 204


def test_an_order_that_moves_on_is_news(page, subscription):
    (order,) = signal_with_copies(subscription.strategy, [(subscription, "pending")])
    after = cursor_of(page.get("/dashboard/"))
    CopyOrder.objects.filter(pk=order.pk).update(status="skipped", reason_code="paused")
    answer = page.get("/dashboard/feed/", {"after": after})
    assert "Copying was paused" in text_of(answer)


def test_an_entry_of_the_feed_tells_price_slippage_delay_and_reason(page, subscription):
    signal_with_copies(subscription.strategy, [(subscription, "filled")])
    signal_with_copies(subscription.strategy, [(subscription, "denied")])
    shown = text_of(page.get("/dashboard/"))
    assert "64,019.84" in shown
    assert "3.1 bps worse · 84 ms" in shown
    assert "Stopped by your limit for one order." in shown


def test_every_signal_of_ones_copies_is_accounted_for(page, subscription):
    for status in ("filled", "filled", "skipped", "denied", "rejected"):
        signal_with_copies(subscription.strategy, [(subscription, status)])
    shown = text_of(page.get("/dashboard/"))
    assert "Every trade accounted for:" in shown
    assert "5 signals = 2 copied + 1 skipped + 1 denied + 1 rejected" in shown


def test_a_signal_without_an_order_yet_is_not_called_accounted_for(page, subscription):
    signal_with_copies(subscription.strategy, [(subscription, "filled")])
    signal_with_copies(subscription.strategy, [])
    shown = text_of(page.get("/dashboard/"))
    assert "Every trade accounted for:" not in shown
    assert "2 signals = 1 copied + 1 being worked out" in shown


def test_signals_before_one_joined_are_not_counted(page, subscription):
    for _n in range(3):
        signal_with_copies(subscription.strategy, [])
    Subscription.objects.update(starts_after_number=3)
    signal_with_copies(subscription.strategy, [(subscription, "filled")])
    assert "1 signal = 1 copied" in text_of(page.get("/dashboard/"))


def test_worth_is_cash_and_coins_at_the_last_price(page, subscription):
    Subscription.objects.update(cash=400)
    hold(subscription, "0.01", "600")
    quote_price(64_000)
    shown = text_of(page.get("/dashboard/"))
    assert "1,040.00" in shown
    assert "+40.00" in shown
    assert "+4.00 % of 1,000.00 put in" in shown


def held_since_yesterday(subscription, *, priced="BTC/USDT"):
    """0.01 BTC that cost 600; of one symbol the price of the day's beginning, 62,000, was kept."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    Subscription.objects.update(cash=400, created_at=midnight - timedelta(days=2))
    hold(subscription, "0.01", "600")
    before = midnight - timedelta(minutes=5)
    PricePoint.objects.create(exchange="paper", symbol=priced, at=before, price=62_000, read_at=before)
    quote_price(64_000)


def test_today_counts_from_the_price_at_midnight(page, subscription):
    held_since_yesterday(subscription)
    shown = text_of(page.get("/dashboard/"))
    assert "+20.00" in shown
    assert "+1.96 %; 0.00 realised" in shown


def test_today_counts_from_where_the_loss_limit_counts(page, subscription):
    held_since_yesterday(subscription)
    DayOpening.objects.create(subscription=subscription, day=timezone.localdate(), result=50)
    assert "−10.00" in text_of(page.get("/dashboard/"))


def test_today_is_unknown_without_the_price_of_midnight(page, subscription):
    held_since_yesterday(subscription, priced="ETH/USDT")
    assert "a price is missing; 0.00 realised" in text_of(page.get("/dashboard/"))


def test_who_was_away_is_told_once_what_became_of_the_copies(page, user, subscription):
    signal_with_copies(subscription.strategy, [(subscription, "denied")])
    CopyOrder.objects.update(created_at=timezone.now() - timedelta(hours=2))
    User.objects.update(looked_at=timezone.now() - timedelta(hours=1))
    for status in ("filled", "filled", "skipped"):
        signal_with_copies(subscription.strategy, [(subscription, status)])
    told = "2 copied, 1 skipped; worst price against the master's: 3.1 bps worse."
    first, again = (text_of(page.get("/dashboard/")) for _look in range(2))
    assert "While you were away, since" in first
    assert told in first
    assert "While you were away" not in again


def test_who_has_the_dashboard_open_is_not_away(page, user, subscription):
    User.objects.update(looked_at=timezone.now() - timedelta(minutes=11))
    page.get("/dashboard/feed/")
    signal_with_copies(subscription.strategy, [(subscription, "filled")])
    assert "While you were away" not in text_of(page.get("/dashboard/"))


def test_without_a_price_the_worth_is_unknown_and_not_lower(page, subscription):
    Subscription.objects.update(cash=400)
    hold(subscription, "0.01", "600")
    shown = text_of(page.get("/dashboard/"))
    assert "A coin of this copy has no price now, so its worth is not known." in shown
    assert "−600.00" not in shown


def end(subscription, *, cash, positions="close"):
    Subscription.objects.filter(pk=subscription.pk).update(
        status="closed", closed_at=timezone.now(), cash=cash, on_unsubscribe=positions
    )


def test_an_ended_copy_keeps_its_loss_in_the_sums(page, user, subscription):
    Subscription.objects.filter(pk=subscription.pk).update(cash=1040)
    lost = SubscriptionFactory.create(follower=user, allocation=500)
    end(lost, cash=430)
    shown = text_of(page.get("/dashboard/"))
    assert "−30.00" in shown
    assert "−2.00 % of 1,500.00 put in; with 1 ended copy" in shown
    assert "1,040.00" in shown


def test_an_ended_copy_stays_in_the_list_with_its_final_result(page, subscription):
    end(subscription, cash=930)
    shown = text_of(page.get("/dashboard/"))
    assert "Nothing is copied yet" not in shown
    assert "1 ended copy" in shown
    assert "−70.00 USDT" in shown
    assert "−7.00 % of 1,000.00" in shown


def test_what_an_ended_copy_kept_counts_at_its_cost(page, subscription):
    hold(subscription, "0.01", "600")
    end(subscription, cash=390, positions="keep")
    quote_price(10)
    assert "−10.00 USDT" in text_of(page.get("/dashboard/"))


def test_the_signals_of_an_ended_copy_stay_accounted_for(page, subscription):
    for status in ("filled", "skipped"):
        signal_with_copies(subscription.strategy, [(subscription, status)])
    end(subscription, cash=930)
    signal_with_copies(subscription.strategy, [])
    shown = text_of(page.get("/dashboard/"))
    assert "Every trade accounted for: 2 signals = 1 copied + 1 skipped" in shown.replace("</strong>", "")


def exit_order(subscription, *, status="filled", reason="", origin="closing"):
    """The last sale of BTC, which was to sell all of it."""
    (order,) = signal_with_copies(subscription.strategy, [(subscription, "filled")])
    CopyOrder.objects.filter(pk=order.pk).update(
        kind="exit", side="sell", status=status, reason_code=reason, origin=origin
    )
    Position.objects.filter(subscription=subscription).update(target=0)


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        ("filled", "", "less than the smallest amount the exchange trades"),
        ("skipped", "below_minimum", "Less than the smallest order the exchange takes."),
    ],
)
def test_what_is_too_small_to_sell_is_dust_and_no_position(status, reason, told, page, subscription):
    hold(subscription, "0.0000088", "0.56")
    quote_price(64_000)
    exit_order(subscription, status=status, reason=reason)
    end(subscription, cash=998)
    answer = page.get("/dashboard/figures/")
    shown = text_of(answer)
    assert "Dust: too small to sell" in shown
    assert f'0.0000088 BTC (0.56 USDT) · <a href="/strategies/{subscription.strategy.slug}/">' in shown
    assert told in shown
    assert "Nothing is held through running copies now." in shown


def test_dust_of_a_running_copy_is_no_position_but_part_of_its_worth(page, subscription):
    hold(subscription, "0.00001", "0.50")
    quote_price(64_000)
    exit_order(subscription, origin="signal")
    shown = text_of(page.get("/dashboard/figures/"))
    assert "Dust: too small to sell" in shown
    assert "0 positions" in shown
    assert "1,000.64" in shown


@pytest.mark.parametrize("status", ["pending", "canceled"])
def test_what_is_still_to_be_sold_is_a_position(status, page, subscription):
    hold(subscription, "0.01", "600")
    exit_order(subscription, status=status)
    Subscription.objects.update(status="closing")
    shown = text_of(page.get("/dashboard/figures/"))
    assert "Dust" not in shown
    assert "1 position " in shown


def test_what_one_chose_to_keep_is_no_dust(page, subscription):
    hold(subscription, "0.01", "600")
    end(subscription, cash=400, positions="keep")
    shown = text_of(page.get("/dashboard/figures/"))
    assert "Left from ended copies" in shown
    assert "You kept it when you stopped copying." in shown
    assert "Dust" not in shown


def test_what_could_not_be_sold_as_a_copy_ended_tells_why(page, subscription):
    hold(subscription, "0.01", "600")
    exit_order(subscription, status="skipped", reason="symbol_not_listed")
    end(subscription, cash=400)
    assert "Your exchange does not trade this symbol now." in text_of(page.get("/dashboard/figures/"))


def test_what_is_small_waits_and_is_shown(page, subscription):
    position = hold(subscription, "0.01", "600")
    position.target += position.target / 1000
    position.save()
    assert "0.00001 carried" in text_of(page.get("/dashboard/"))


def test_a_master_sees_the_own_strategies(page, user, strategy):
    strategy.owner = user
    strategy.save()
    shown = text_of(page.get("/dashboard/"))
    assert "Your strategies" in shown
    assert strategy.name in shown


@pytest.fixture
def of_somebody_else():
    return SubscriptionFactory.create()


def test_other_peoples_copies_appear_nowhere(page, of_somebody_else):
    (order,) = signal_with_copies(of_somebody_else.strategy, [(of_somebody_else, "filled")])
    hold(of_somebody_else, "0.777", "1")
    for address in ("/dashboard/", "/dashboard/feed/", "/dashboard/figures/", "/orders/"):
        shown = text_of(page.get(address))
        assert str(order.public_id) not in shown
        assert "0.777" not in shown


@pytest.mark.parametrize("act", ["pause", "resume", "stop"])
def test_nobody_acts_on_other_peoples_copies(act, page, of_somebody_else):
    answer = page.post(f"/subscriptions/{of_somebody_else.public_id}/{act}/", {"positions": "close"})
    assert answer.status_code == 404
    of_somebody_else.refresh_from_db()
    assert of_somebody_else.status == "active"


def test_pause_and_resume_do_what_their_buttons_say(page, subscription):
    shown = text_of(page.post(f"/subscriptions/{subscription.public_id}/pause/", follow=True))
    subscription.refresh_from_db()
    assert (subscription.status, "is paused" in shown) == ("paused", True)
    page.post(f"/subscriptions/{subscription.public_id}/resume/")
    subscription.refresh_from_db()
    assert subscription.status == "active"


def test_pause_all_pauses_ones_own_and_no_others(page, subscription, of_somebody_else):
    assert "1 copy is paused." in text_of(page.post("/subscriptions/pause-all/", follow=True))
    subscription.refresh_from_db()
    of_somebody_else.refresh_from_db()
    assert (subscription.status, of_somebody_else.status) == ("paused", "active")


def test_acts_are_no_links(page, subscription):
    assert page.get(f"/subscriptions/{subscription.public_id}/pause/").status_code == 405
    assert page.get("/subscriptions/pause-all/").status_code == 405


def test_stopping_asks_what_becomes_of_the_coins(page, subscription):
    hold(subscription, "0.01", "600")
    address = f"/subscriptions/{subscription.public_id}/stop/"
    shown = text_of(page.get(address))
    assert "Keep positions and stop" in shown
    assert "Sell and stop" in shown
    assert "market orders for 0.01 BTC, at the price of the moment" in shown
    quote_price(64_500)
    assert "market orders for 0.01 BTC: about 645.00 USDT" in text_of(page.get(address))
    page.post(address)
    subscription.refresh_from_db()
    assert subscription.status == "active"


def test_a_copy_that_holds_nothing_ends_at_once(page, subscription):
    page.post(f"/subscriptions/{subscription.public_id}/stop/", {"positions": "keep"})
    subscription.refresh_from_db()
    assert subscription.status == "closed"


def test_the_days_loss_is_told_against_its_limit_as_claims_count_it(page, user, subscription):
    RiskLimits.objects.create(user=user, max_daily_loss=50)
    today = timezone.localtime().date()
    DayOpening.objects.create(subscription=subscription, day=today, result=21)
    shown = text_of(page.get("/dashboard/"))
    assert "21.00 of 50.00 USDT used" in shown
    assert "42 %" in shown


def test_an_order_that_no_trade_of_the_masters_caused_says_whence_it_is(page, subscription):
    (order,) = signal_with_copies(subscription.strategy, [(subscription, "filled")])
    assert "You left and chose to sell" not in text_of(page.get("/dashboard/"))
    CopyOrder.objects.filter(pk=order.pk).update(origin="closing", signal=None)
    for address in ("/dashboard/", "/orders/", f"/orders/{order.public_id}/"):
        assert "You left and chose to sell" in text_of(page.get(address))
