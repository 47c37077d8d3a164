from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from compliance.models import AuditRecord
from risk.models import Breach, RiskLimits
from risk.serializers import LimitsSerializer
from tests.factories import SubscriptionFactory
from tests.pages.market import hold, signal_with_copies, text_of


@pytest.fixture
def answers(page):
    """What the form of limits would send."""
    form = page.get("/risk/").context["form"]
    return {field.name: str(field.value() or "") for field in form}


def test_the_page_asks_for_every_limit_that_the_api_takes(page, db):
    form = page.get("/risk/").context["form"]
    assert {*form.fields, "kill_switch"} == {*LimitsSerializer().fields}


def test_limits_are_saved_and_leave_the_switch_alone(page, user, answers):
    RiskLimits.objects.create(user=user, kill_switch="close_only")
    wanted = answers | {"max_order_notional": "500", "symbols_blocked": "doge/usdt", "max_slippage_bps": "25"}
    assert page.post("/risk/", wanted).status_code == 302
    limits = RiskLimits.objects.get()
    assert (limits.max_order_notional, limits.max_slippage_bps) == (500, 25)
    assert (limits.symbols_blocked, limits.kill_switch) == (["DOGE/USDT"], "close_only")
    assert page.post("/risk/", answers).status_code == 302
    limits.refresh_from_db()
    assert limits.max_order_notional is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_order_notional", "-1"),
        ("max_open_notional", "NaN"),
        ("max_slippage_bps", "1.5"),
        ("symbols_blocked", "DOGE"),
        ("currency", "GOLD"),
    ],
)
def test_a_limit_that_is_not_valid_is_told_and_nothing_is_saved(field, value, page, user, answers):
    answer = page.post("/risk/", answers | {field: value})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not RiskLimits.objects.exists()


def test_meters_show_what_is_used(page, user, subscription):
    RiskLimits.objects.create(user=user, max_open_notional=1000, max_order_notional=50)
    hold(subscription, "0.01", "600")
    signal_with_copies(subscription.strategy, [(subscription, "filled")])
    meters = {meter.limit: meter for meter in page.get("/risk/").context["meters"]}
    assert (meters[Decimal(1000)].used, meters[Decimal(1000)].width) == (600, 60)
    assert meters[Decimal(50)].full


@pytest.mark.parametrize(
    ("body", "switch"),
    [
        ({"mode": "close_only"}, "close_only"),
        ({"mode": "freeze", "typed": "freeze "}, "freeze"),
        ({"mode": "freeze", "typed": "yes"}, None),
        ({"mode": "freeze"}, None),
        ({"mode": "maybe"}, None),
        ({}, None),
    ],
)
def test_a_freeze_needs_its_word_and_the_rest_does_not(body, switch, page, user):
    page.post("/risk/kill-switch/", body)
    limits = RiskLimits.objects.filter(user=user).first()
    assert (limits.kill_switch if limits else None) == switch
    assert AuditRecord.objects.filter(action="kill_switch.change").count() == bool(switch)


def test_a_freeze_tells_what_was_at_the_exchange_already(page, subscription):
    signal_with_copies(subscription.strategy, [(subscription, "open")])
    answer = page.post("/risk/kill-switch/", {"mode": "freeze", "typed": "FREEZE"}, follow=True)
    shown = text_of(answer)
    assert "Frozen at" in shown
    assert "1 order was already at the exchange." in shown
    page.post("/risk/kill-switch/", {"mode": "off"})
    assert RiskLimits.objects.get().kill_switch == "off"


def test_what_limits_stopped_is_listed_and_others_is_not(page, subscription):
    (mine,) = signal_with_copies(subscription.strategy, [(subscription, "denied")])
    other = SubscriptionFactory.create()
    (theirs,) = signal_with_copies(other.strategy, [(other, "denied")])
    shown = text_of(page.get("/risk/"))
    assert str(mine.public_id) in shown
    assert str(theirs.public_id) not in shown


def test_a_breach_is_told_with_its_numbers_and_only_its_owner_acknowledges_it(page, user, stranger):
    now = timezone.now()
    facts = {"rule": "max_daily_loss", "limit": 100, "value": 120, "day": now.date(), "at": now}
    mine = Breach.objects.create(user=user, currency="USDT", **facts)
    theirs = Breach.objects.create(user=stranger, **facts)
    shown = text_of(page.get("/risk/"))
    assert "120.00 / 100.00 USDT" in shown
    assert str(theirs.public_id) not in shown
    statuses = [page.post(f"/risk/breaches/{b.public_id}/acknowledge/").status_code for b in (mine, theirs)]
    assert statuses == [302, 404]
    assert list(Breach.objects.filter(acknowledged_at=None)) == [theirs]


def test_a_breach_tells_what_was_blocked_and_what_it_would_have_been(page, user, subscription):
    (order,) = signal_with_copies(subscription.strategy, [(subscription, "denied")])
    blocked = (
        "Stopped by your limit: this order is 99.69 USDT; you allow 50. The order was to buy 0.00099 BTC."
    )
    type(order).objects.filter(pk=order.pk).update(reason_text=blocked)
    now = timezone.now()
    Breach.objects.create(
        user=user, rule="max_order_notional", limit=50, value=Decimal("99.69"), currency="USDT",
        day=now.date(), at=now, copy=subscription, client_order_id=order.client_order_id,
    )  # fmt: skip
    panel = page.get("/risk/").content.decode().partition('id="breaches-title"')[2].partition("</section>")[0]
    assert blocked in panel
    assert f"/orders/{order.public_id}/" in panel
