from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from compliance.audit import SYSTEM
from copytrade.pages.gap import split_gap
from risk.models import SubscriptionLimits
from strategies.invites.services import create_invite
from strategies.models import PerformanceSnapshot
from subscriptions.models import Subscription
from tests.factories import SubscriptionFactory
from tests.ledger.test_api_books import book
from tests.pages.market import hold, quote_price, signal_with_copies, text_of

MONEY = st.decimals(-1000, 1000, places=2)


def address_of(subscription: Subscription) -> str:
    return f"/subscriptions/{subscription.public_id}/"


def settings_of(page, subscription, **changes) -> dict[str, str]:
    """What the page's form would send, with these answers."""
    form = page.get(address_of(subscription)).context["form"]
    return {field.name: str(field.value() or "") for field in form} | changes


def test_only_who_was_invited_is_asked_whether_the_master_may_change_the_copy(page, subscription):
    assert "master_may_change" not in page.get(address_of(subscription)).context["form"].fields
    private = subscription.strategy
    private.visibility = "private"
    private.save()
    made = create_invite(strategy=private, origin=SYSTEM, now=timezone.now())
    Subscription.objects.filter(pk=subscription.pk).update(invite=made.invite)
    answer = page.post(address_of(subscription), settings_of(page, subscription, master_may_change="on"))
    assert answer.status_code == 302
    subscription.refresh_from_db()
    assert subscription.master_may_change


@given(result=MONEY, worse=MONEY, fees=MONEY, before=st.decimals(1, 10_000, places=2), now=MONEY)
def test_the_parts_of_the_gap_add_up(result, worse, fees, before, now):
    gap = split_gap(
        result=result,
        allocation=Decimal(1024),
        worse_prices=worse,
        fees=fees,
        master_before=before,
        master_now=now,
    )
    assert gap.mine is not None and gap.master is not None and gap.rest is not None
    together = gap.master + gap.delay + gap.fees + gap.rest
    assert abs(together - gap.mine) < Decimal("1e-15")


def test_what_is_not_known_makes_the_rest_unknown_and_not_zero():
    gap = split_gap(
        result=None,
        allocation=Decimal(1000),
        worse_prices=Decimal(1),
        fees=Decimal(2),
        master_before=None,
        master_now=Decimal(5),
    )
    assert (gap.mine, gap.master, gap.whole, gap.rest) == (None, None, None, None)
    assert (gap.delay, gap.fees) == (Decimal("-0.001"), Decimal("-0.002"))


def test_mine_and_the_masters_are_told_with_what_lies_between(page, subscription):
    now = timezone.now()
    for ago, equity in ((timedelta(days=2), 1000), (timedelta(0), 1200)):
        PerformanceSnapshot.objects.create(strategy=subscription.strategy, at=now - ago, equity=equity)
    Subscription.objects.update(created_at=now - timedelta(days=1))
    book(subscription)  # 0.01 at 100,000, fee 1
    quote_price(110_000)
    gap = page.get(address_of(subscription)).context["gap"]
    assert gap.master == Decimal("0.2")
    assert gap.fees == Decimal("-0.001")
    assert gap.mine == Decimal("0.099")
    assert gap.rest == gap.mine - gap.master - gap.fees


def test_the_page_accounts_for_every_signal_and_names_the_reasons(page, subscription):
    for ending in ("filled", "skipped", "skipped"):
        signal_with_copies(subscription.strategy, [(subscription, ending)])
    hold(subscription, "0.0012", "76.8")
    shown = text_of(page.get(address_of(subscription)))
    assert "3 signals = 1 copied + 2 skipped" in shown
    assert "<strong>2</strong> · Your share is below the exchange's minimum." in shown


def test_settings_are_saved_as_the_api_would(page, subscription):
    answer = page.post(
        address_of(subscription),
        settings_of(
            page,
            subscription,
            allocation="900",
            max_slippage_bps="12",
            stop_loss_percent="7.5",
            symbols_blocked="doge/usdt, ETH/USDT",
            on_master_lost="close",
        ),
    )
    assert answer.headers["Location"] == address_of(subscription)
    subscription.refresh_from_db()
    assert (subscription.allocation, subscription.cash) == (900, 900)
    assert (subscription.max_slippage_bps, subscription.stop_loss_percent) == (12, Decimal("7.5"))
    assert subscription.symbols_blocked == ["DOGE/USDT", "ETH/USDT"]
    assert subscription.on_master_lost == "close"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("allocation", "-1"),
        ("allocation", "1e3"),
        ("sizing_value", "0"),
        ("sizing_mode", "all"),
        ("max_slippage_bps", "12.5"),
        ("max_slippage_bps", "10001"),
        ("stop_loss_percent", "101"),
        ("take_profit_percent", "much"),
        ("symbols_blocked", "DOGE"),
        ("on_master_lost", "pray"),
    ],
)
def test_a_setting_that_is_not_valid_is_told_beside_it_and_changes_nothing(field, value, page, subscription):
    before = Subscription.objects.values().get(pk=subscription.pk)
    answer = page.post(address_of(subscription), settings_of(page, subscription, **{field: value}))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Subscription.objects.values().get(pk=subscription.pk) == before


def test_what_the_service_refuses_is_told_and_changes_nothing(page, subscription):
    Subscription.objects.update(cash=100)
    answer = page.post(address_of(subscription), settings_of(page, subscription, allocation="500"))
    assert answer.status_code == 422
    assert "More of the allocation than that is in use" in text_of(answer)


def limits_of(page, subscription, **changes) -> dict[str, str]:
    form = page.get(address_of(subscription)).context["limits"]
    return {
        f"limits-{name}": value
        for name, value in ({"currency": "USDT", "oversize": "deny"} | changes).items()
        if name in form.fields
    }


def test_a_copy_has_limits_of_its_own_and_its_switch_stays(page, subscription):
    SubscriptionLimits.objects.create(subscription=subscription, kill_switch="close_only")
    address = f"{address_of(subscription)}limits/"
    given = limits_of(
        page, subscription, max_daily_loss="40", max_orders_per_day="9", symbols_blocked="doge/usdt"
    )
    assert page.post(address, given).headers["Location"] == address_of(subscription)
    kept = SubscriptionLimits.objects.get(subscription=subscription)
    assert (kept.max_daily_loss, kept.max_orders_per_day) == (40, 9)
    assert (kept.symbols_blocked, kept.kill_switch) == (["DOGE/USDT"], "close_only")
    assert "0.00 / 40.00 USDT" in text_of(page.get(address_of(subscription)))
    refused = page.post(address, limits_of(page, subscription, max_daily_loss="-1"))
    assert refused.status_code == 422
    assert list(refused.context["limits"].errors) == ["max_daily_loss"]
    assert SubscriptionLimits.objects.get(subscription=subscription).max_daily_loss == 40


def test_pausing_and_resuming_lead_back_to_the_copy(page, subscription):
    for act, status in (("pause", "paused"), ("resume", "active")):
        answer = page.post(f"{address_of(subscription)}{act}/", {"back": "copy"})
        assert answer.headers["Location"] == address_of(subscription)
        subscription.refresh_from_db()
        assert subscription.status == status


def test_an_ended_copy_stays_readable_and_has_no_settings(page, subscription):
    Subscription.objects.update(status="closed", closed_at=timezone.now(), cash=950)
    answer = page.get(address_of(subscription))
    assert answer.context["form"] is None
    assert "−50.00" in text_of(answer)
    assert "hx-get" not in answer.content.decode().partition('class="live-part"')[2][:200]
    assert page.post(address_of(subscription), {"allocation": "1"}).status_code == 200


def test_others_copies_do_not_exist(page):
    other = SubscriptionFactory.create()
    for path in ("", "live/"):
        assert page.get(f"{address_of(other)}{path}").status_code == 404
    assert page.post(address_of(other), {"allocation": "1"}).status_code == 404
