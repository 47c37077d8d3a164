"""Limits and the kill switch: after its answer nothing new leaves."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.notifications.models import Notification
from compliance.models import AuditRecord
from execution import claiming, tasks
from execution.models import CopyOrder, client_order_id
from risk import services
from risk.models import Breach, RiskLimits
from subscriptions.models import Subscription
from tests import factories

URL = "/api/v1/risk/limits/"
NONE: dict[str, Any] = {
    "currency": "USDT",
    "max_order_notional": None,
    "max_open_notional": None,
    "max_daily_loss": None,
    "max_slippage_bps": None,
    "max_open_positions": None,
    "max_orders_per_day": None,
    "symbols_allowed": [],
    "symbols_blocked": [],
    "oversize": "deny",
    "kill_switch": "off",
}


def error_of(response, status=400):
    assert response.status_code == status, response.content
    (error,) = response.json()["errors"]
    return error["code"], error["attr"]


def entry_of(subscription, number=1, **changes):
    name = client_order_id(
        origin="signal", origin_number=number, owner=subscription.pk, symbol="BTC/USDT", part=1
    )
    values = {
        "kind": "entry",
        "side": "buy",
        "status": "pending",
        "price": Decimal(100_000),
        "target_change": Decimal("0.001"),
    }
    return CopyOrder.objects.create(
        origin="signal",
        origin_number=number,
        subscription=subscription,
        strategy=subscription.strategy,
        exchange_account=subscription.exchange_account,
        client_order_id=name,
        symbol="BTC/USDT",
        type="limit_ioc",
        **(values | changes),
    )


def test_no_limit_is_set_by_default(api):
    assert api.get(URL).json() == NONE


def test_putting_limits_replaces_all_of_them(api, user):
    first = {
        "currency": "USDC",
        "max_order_notional": "500",
        "max_open_notional": "2000.5",
        "max_daily_loss": "99.5",
        "max_slippage_bps": 25,
        "max_open_positions": 3,
        "max_orders_per_day": 0,
        "symbols_allowed": ["BTC/USDT"],
        "symbols_blocked": ["DOGE/USDT"],
        "oversize": "cut",
        "kill_switch": "close_only",
    }
    assert api.put(URL, first).json() == first | {"in_flight": 0}
    assert api.get(URL).json() == first
    assert api.put(URL, {"max_order_notional": "10", "currency": None}).json() == NONE | {
        "max_order_notional": "10",
        "in_flight": 0,
    }
    assert RiskLimits.objects.get().user == user


@pytest.mark.parametrize(
    ("sent", "mode"),
    [(True, "close_only"), (False, "off"), (None, "off"), ("freeze", "freeze"), ("close_only", "close_only")],
)
def test_the_switch_is_also_understood_as_yes_or_no(api, sent, mode):
    assert api.put(URL, {"kill_switch": sent}).json()["kill_switch"] == mode


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        ({"max_order_notional": "-1"}, "min_value", "max_order_notional"),
        ({"max_order_notional": "NaN"}, "invalid", "max_order_notional"),
        ({"max_order_notional": 500}, "invalid", "max_order_notional"),
        ({"max_open_notional": "1e400"}, "invalid", "max_open_notional"),
        ({"max_slippage_bps": 1.5}, "invalid", "max_slippage_bps"),
        ({"max_slippage_bps": True}, "invalid", "max_slippage_bps"),
        ({"currency": "dollars!"}, "invalid_choice", "currency"),
        ({"currency": "XYZ"}, "invalid_choice", "currency"),
        ({"currency": "usdt"}, "invalid_choice", "currency"),
        ({"currency": "EUR"}, "invalid_choice", "currency"),
        ({"currency": ""}, "invalid_choice", "currency"),
        ({"currency": 5}, "invalid_choice", "currency"),
        ({"symbols_blocked": "BTC/USDT"}, "not_a_list", "symbols_blocked"),
        ({"kill_switch": "on"}, "invalid_choice", "kill_switch"),
        ({"kill_switch": 1}, "invalid_choice", "kill_switch"),
        ({"max_daily_loss": "0"}, "min_value", "max_daily_loss"),
        ({"max_daily_loss": "-5"}, "min_value", "max_daily_loss"),
        ({"max_daily_loss": "Infinity"}, "invalid", "max_daily_loss"),
        ({"max_daily_loss": "1" + "0" * 18}, "max_digits", "max_daily_loss"),
        ({"max_open_positions": -1}, "min_value", "max_open_positions"),
        ({"max_open_positions": "3"}, "invalid", "max_open_positions"),
        ({"max_orders_per_day": 10**12}, "max_value", "max_orders_per_day"),
        ({"max_orders_per_day": False}, "invalid", "max_orders_per_day"),
        ({"symbols_allowed": "BTC/USDT"}, "not_a_list", "symbols_allowed"),
        ({"oversize": "shrink"}, "invalid_choice", "oversize"),
        ({"max_weekly_loss": "5"}, "unknown_field", "max_weekly_loss"),
    ],
)
def test_a_wrong_limit_is_named_and_changes_nothing(api, body, code, attr):
    before = {
        "currency": "USDC",
        "max_order_notional": "7",
        "max_open_notional": "70",
        "max_daily_loss": "5",
        "max_slippage_bps": 25,
        "max_open_positions": 3,
        "max_orders_per_day": 9,
        "symbols_allowed": ["BTC/USDT"],
        "symbols_blocked": ["DOGE/USDT"],
        "oversize": "cut",
        "kill_switch": "close_only",
    }
    api.put(URL, before)
    assert error_of(api.put(URL, body)) == (code, attr)
    assert api.get(URL).json() == before


def test_the_answer_tells_what_had_left_before(api, user, subscription):
    entry_of(subscription, status="submitting", requested_amount=1, claimed_at=timezone.now())
    entry_of(
        factories.SubscriptionFactory.create(),
        status="submitting",
        requested_amount=1,
        claimed_at=timezone.now(),
    )
    entry_of(factories.SubscriptionFactory.create(follower=user))
    assert api.put(URL, {"kill_switch": "freeze"}).json()["in_flight"] == 1


def test_each_change_of_the_switch_is_recorded_once(api, user):
    api.put(URL, {"kill_switch": "freeze"})
    api.put(URL, {"kill_switch": "freeze", "max_order_notional": "5"})
    services.set_kill_switch(user=user, mode="off", now=timezone.now())
    modes = AuditRecord.objects.filter(action="kill_switch.change").order_by("pk")
    assert [record.detail["kill_switch"] for record in modes] == ["freeze", "off"]
    assert {record.actor for record in modes} == {str(user.public_id)}
    # The other limits stay.
    assert RiskLimits.objects.get().max_order_notional == 5


@pytest.fixture
def enqueued(monkeypatch):
    """What would go to the workers; none listens here."""
    calls: list[Any] = []
    monkeypatch.setattr(tasks, "enqueue_orders", lambda ids, queue="orders": calls.append((list(ids), queue)))
    return calls


def parked_exit(subscription, number=1, **changes):
    later = timezone.now() + timedelta(seconds=60)
    values = {"kind": "exit", "side": "sell", "reason_code": "kill_switch", "due_at": later}
    return entry_of(subscription, number, **(values | changes))


@pytest.mark.parametrize("mode", ["off", "close_only"])
def test_what_a_freeze_held_back_leaves_at_once_when_it_ends(api, subscription, enqueued, mode):
    api.put(URL, {"kill_switch": "freeze"})
    parked = parked_exit(subscription)
    others = [
        parked_exit(factories.SubscriptionFactory.create()),
        parked_exit(subscription, 2, reason_code="waiting_for_venue"),
        parked_exit(subscription, 3, status="filled"),
        parked_exit(subscription, 4, kind="entry", side="buy"),
    ]
    due = {order.pk: order.due_at for order in others}
    api.put(URL, {"kill_switch": "freeze", "max_order_notional": "5"})
    assert [ids for ids, _queue in enqueued if ids] == []
    api.put(URL, {"kill_switch": mode})
    assert enqueued[-1] == ([parked.pk], "exits")
    parked.refresh_from_db()
    assert parked.due_at <= timezone.now()
    assert parked.status == "pending"
    assert {order.pk: order.due_at for order in CopyOrder.objects.exclude(pk=parked.pk)} == due


def test_what_was_held_back_is_released_once_more_without_harm(api, subscription, enqueued):
    api.put(URL, {"kill_switch": "freeze"})
    parked = parked_exit(subscription)
    for _twice in range(2):
        api.put(URL, {"kill_switch": "off"})
    CopyOrder.objects.filter(pk=parked.pk).update(status="filled", reason_code="")
    api.put(URL, {"kill_switch": "off"})
    assert [ids for ids, _queue in enqueued if ids] == [[parked.pk], [parked.pk]]


def test_limits_need_the_scope(api_of, user):
    assert error_of(api_of(user, "read").put(URL, {}), 403)[0] == "insufficient_scope"


def test_after_the_switch_nothing_is_claimed(user, paper, subscription):
    order = entry_of(subscription)
    services.set_kill_switch(user=user, mode="close_only", now=timezone.now())
    assert claiming.claim([order.pk], worker="test", now=timezone.now()).to_send == []
    order.refresh_from_db()
    assert (order.status, order.reason_code) == ("denied", "kill_switch")


@pytest.mark.django_db(transaction=True)
def test_the_switch_waits_for_a_claim_that_is_at_work(user, paper, subscription):
    """A claim holds its subscription's lock until it commits: the switch's answer comes after it."""
    done = threading.Event()

    def switch():
        try:
            services.set_kill_switch(user=user, mode="freeze", now=timezone.now())
            done.set()
        finally:
            connection.close()

    with transaction.atomic():
        Subscription.objects.select_for_update().get(pk=subscription.pk)
        thread = threading.Thread(target=switch)
        thread.start()
        assert not done.wait(0.3)
    thread.join(timeout=10)
    assert done.is_set()


# --- Limits of one copy -------------------------------------------------------------------------------


def test_one_copy_has_limits_of_its_own_beside_its_owners(api, subscription):
    url = f"/api/v1/subscriptions/{subscription.public_id}/limits/"
    assert api.get(url).json() == NONE
    changed = NONE | {"max_order_notional": "50", "oversize": "cut"}
    body = {"max_order_notional": "50", "oversize": "cut"}
    assert api.put(url, body).json() == changed | {"in_flight": 0}
    assert api.get(url).json() == changed
    assert api.get(URL).json() == NONE


def test_both_switches_are_told_with_the_way_to_the_risk_page(api, user, subscription):
    for address in ("/api/v1/risk/limits/", f"/api/v1/subscriptions/{subscription.public_id}/limits/"):
        assert api.put(address, {"kill_switch": "freeze"}).status_code == 200
    told = Notification.objects.filter(user=user, kind="kill_switch").order_by("pk")
    assert [notice.link for notice in told] == ["/risk/", "/risk/"]
    assert (
        told[1].title == f"The kill switch of {subscription.strategy.name} is on: nothing is bought or sold"
    )


def test_the_switch_of_one_copy_is_recorded_and_tells_what_had_left(api, subscription):
    url = f"/api/v1/subscriptions/{subscription.public_id}/limits/"
    entry_of(subscription, status="submitting", requested_amount=1, claimed_at=timezone.now())
    for _twice in range(2):
        assert api.put(url, {"kill_switch": True}).json()["in_flight"] == 1
    record = AuditRecord.objects.get(action="kill_switch.change")
    assert (record.object, record.detail) == (str(subscription.public_id), {"kill_switch": "close_only"})


def test_a_strangers_copy_has_no_limits_to_read_or_set(api):
    url = f"/api/v1/subscriptions/{factories.SubscriptionFactory.create().public_id}/limits/"
    assert api.get(url).status_code == 404
    assert error_of(api.put(url, {"kill_switch": True}), 404)[0] == "not_found"


# --- Breaches -----------------------------------------------------------------------------------------


def breach_of(user, **values):
    now = timezone.now()
    return Breach.objects.create(
        **{"user": user, "rule": "max_daily_loss", "limit": 50, "value": 60, "day": now.date(), "at": now}
        | values
    )


def test_breaches_are_listed_to_their_owner_with_the_order_in_a_constant_number_of_queries(
    api, user, subscription, django_assert_max_num_queries
):
    order = entry_of(subscription)
    breach_of(user, subscription=subscription, copy=subscription, client_order_id=order.client_order_id)
    breach_of(user)
    breach_of(factories.UserFactory.create())
    with django_assert_max_num_queries(4):
        whole, own = api.get("/api/v1/risk/breaches/").json()["results"]
    assert (whole["subscription"], whole["order"], whole["limit"], whole["value"]) == (None, None, "50", "60")
    assert (own["subscription"], own["order"]) == (str(subscription.public_id), str(order.public_id))


def test_a_breach_is_acknowledged_once_and_only_by_its_owner(api, user):
    breach, foreign = breach_of(user), breach_of(factories.UserFactory.create())
    url = "/api/v1/risk/breaches/{}/acknowledge/"
    first = api.post(url.format(breach.public_id), {}).json()["acknowledged_at"]
    assert first
    assert api.post(url.format(breach.public_id), {}).json()["acknowledged_at"] == first
    assert error_of(api.post(url.format(foreign.public_id), {}), 404)[0] == "not_found"


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("", {"max_daily_loss", "max_open_notional"}),
        ("?acknowledged=true", {"max_daily_loss"}),
        ("?acknowledged=false", {"max_open_notional"}),
    ],
)
def test_an_acknowledged_breach_stays_in_the_list(api, user, query, listed):
    breach_of(user, acknowledged_at=timezone.now())
    breach_of(user, rule="max_open_notional")
    rows = api.get(f"/api/v1/risk/breaches/{query}").json()["results"]
    assert {row["rule"] for row in rows} == listed


def test_one_cause_breaches_once_a_day(user):
    breach_of(user)
    with pytest.raises(IntegrityError, match="one_breach_per_cause_and_day"), transaction.atomic():
        breach_of(user)
