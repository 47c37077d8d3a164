from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils.html import escape
from django.utils.translation import trans_real

from copytrade.pages.orders import _grouped
from execution.models import CopyOrder
from risk.models import SubscriptionLimits
from strategies.models import Signal, Strategy
from subscriptions.sizing import Step
from tests.browser.pseudo_locale import PseudoLocale, stretched
from tests.factories import SubscriptionFactory
from tests.pages.market import page_of_signal, signal_with_copies, text_of


def test_an_order_tells_why_it_has_its_size_and_how_fast_it_was(page, copied):
    shown = text_of(page.get(f"/orders/{copied.public_id}/"))
    assert "Master's share" in shown
    assert "1,284.00 of 21,400.00 USDT equity" in shown
    assert "detect <strong>12 ms</strong>" in shown
    assert "together <strong>84 ms</strong>" in shown
    assert "0.0012 BTC at 64,019.84 = 76.82 USDT, 3.1 bps worse than the master" in shown


def test_why_an_order_has_its_size_is_told_in_the_language_of_the_page(page, copied, monkeypatch):
    step = Step("Master's share", "{0} of {1} {2} equity", "6.00 %", values=("1284", "21400", "USDT"))
    CopyOrder.objects.filter(pk=copied.pk).update(sizing=[step.as_json(), *copied.sizing])
    address = f"/orders/{copied.public_id}/"
    assert "1,284 of 21,400 USDT equity" in text_of(page.get(address))
    monkeypatch.setitem(vars(trans_real)["_translations"], "en", PseudoLocale("en"))
    shown = page.get(address).content.decode()
    assert stretched("{0} of {1} {2} equity").format("1,284", "21,400", "USDT") in shown
    for kept in copied.sizing:
        assert escape(stretched(kept["label"])) in shown


def test_what_happened_is_told_in_the_order_of_the_way_by_our_clock(page, copied):
    copied.acknowledged_at = copied.submitted_at + timedelta(milliseconds=40)
    copied.claimed_at = copied.finished_at + timedelta(seconds=5)  # the exchange's clock runs ahead
    copied.save()
    states = page.get(f"/orders/{copied.public_id}/").context["states"]
    assert [str(label) for label, _at in states] == [
        "The master's trade (the exchange's clock)",
        "We learned of it",
        "This order was written",
        "Taken up and sent to the exchange",
        "The exchange answered",
        "Finished",
    ]
    moments = [at for _label, at in states]
    assert moments == sorted(moments)
    assert copied.claimed_at not in moments


def test_each_attempt_is_told_with_what_the_exchange_said(page, copied):
    copied.attempt = 2
    moment = copied.submitted_at.isoformat()
    copied.earlier_attempts = [
        {
            "number": 1,
            "submitted_at": moment,
            "answered_at": moment,
            "outcome": "refused",
            "reason": "filter_refused",
            "code": "-1013",
            "text": "Market is closed (-1013)",
        }
    ]
    copied.save()
    shown = text_of(page.get(f"/orders/{copied.public_id}/"))
    assert "Attempt 1: refused" in shown
    assert shown.count("-1013") == 1
    assert "Attempt 2:" in shown


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("opening", "You asked to open what the master held"),
        ("stop", "Your stop-loss or take-profit was reached"),
    ],
)
def test_an_order_tells_why_it_was_written(page, copied, origin, words):
    copied.origin = origin
    copied.save()
    assert words in text_of(page.get(f"/orders/{copied.public_id}/"))


def test_an_order_that_was_never_sent_tells_no_moment_of_sending(page, subscription):
    (order,) = signal_with_copies(subscription.strategy, [(subscription, "skipped")])
    shown = text_of(page.get(f"/orders/{order.public_id}/"))
    assert "sent to the exchange" not in shown


def test_an_order_that_was_skipped_shows_its_reason_and_no_price(page, subscription):
    (order,) = signal_with_copies(subscription.strategy, [(subscription, "skipped")])
    shown = text_of(page.get(f"/orders/{order.public_id}/"))
    assert "Your share is below the exchange's minimum." in shown
    assert "worse than" not in shown


@pytest.mark.parametrize("kind", ["orders", "signals"])
def test_what_does_not_exist_is_404(kind, page, db):
    assert page.get(f"/{kind}/{uuid.uuid4()}/").status_code == 404


def test_other_peoples_orders_do_not_exist(page):
    other = SubscriptionFactory.create()
    (order,) = signal_with_copies(other.strategy, [(other, "filled")])
    assert page.get(f"/orders/{order.public_id}/").status_code == 404


@pytest.mark.parametrize(
    ("status", "shown_orders"),
    [("", 3), ("copied", 1), ("skipped", 1), ("denied", 1), ("open", 0), ("no", 3)],
)
def test_orders_can_be_filtered_by_their_outcome(status, shown_orders, page, subscription):
    for ending in ("filled", "skipped", "denied"):
        signal_with_copies(subscription.strategy, [(subscription, ending)])
    answer = page.get("/orders/", {"status": status})
    assert len(answer.context["rows"]) == shown_orders


def test_a_signal_shows_ones_own_copy_first_and_others_without_names(page, subscription):
    others = [SubscriptionFactory.create(strategy=subscription.strategy) for _n in range(2)]
    orders = signal_with_copies(
        subscription.strategy, [(others[0], "filled"), (others[1], "rejected"), (subscription, "filled")]
    )
    answer = page.get(page_of_signal(orders[0]))
    shown = text_of(answer)
    assert "<strong>3</strong>: 2 copied, 1 rejected" in shown
    assert answer.context["rows"][0].order == orders[2]
    for other in others:
        assert other.exchange_account.label not in shown
        assert other.follower.email not in shown
    assert str(orders[0].public_id) not in shown


def test_a_signal_of_a_private_strategy_does_not_exist_for_strangers(page, strategy):
    strategy.visibility = "private"
    strategy.save()
    other = SubscriptionFactory.create(strategy=strategy)
    (order,) = signal_with_copies(strategy, [(other, "filled")])
    assert page.get(page_of_signal(order)).status_code == 404


def test_an_order_is_asked_again_until_it_is_final(page, subscription):
    (order,) = signal_with_copies(subscription.strategy, [(subscription, "pending")])
    live = f"/orders/{order.public_id}/live/"
    assert live in page.get(f"/orders/{order.public_id}/").content.decode()
    CopyOrder.objects.filter(pk=order.pk).update(status="skipped", reason_code="paused")
    answer = page.get(live, {"after": "seen"})
    assert "Copying was paused" in text_of(answer)
    assert "hx-get" not in answer.content.decode()


def test_a_signal_is_asked_again_until_every_copy_is_final(page, subscription):
    (order,) = signal_with_copies(subscription.strategy, [(subscription, "pending")])
    address = page_of_signal(order)
    assert f"{address}live/" in page.get(address).content.decode()
    CopyOrder.objects.filter(pk=order.pk).update(status="skipped", reason_code="paused")
    Signal.objects.update(fanned_out_at=order.created_at)
    assert "hx-get" not in page.get(f"{address}live/", {"after": "seen"}).content.decode()


@pytest.mark.parametrize(("visible_to", "status"), [("everyone", 200), ("followers", 404), ("nobody", 404)])
def test_a_signal_is_shown_to_whom_the_master_chose(page, visible_to, status):
    other = SubscriptionFactory.create()
    Strategy.objects.update(positions_visible_to=visible_to)
    (order,) = signal_with_copies(other.strategy, [(other, "filled")])
    assert page.get(page_of_signal(order)).status_code == status
    assert page.get(f"/strategies/{other.strategy.slug}/signals/").status_code == status


def test_long_numbers_of_the_trail_are_grouped_and_no_coin_is_renamed():
    assert _grouped("1469.70 of 49915.15 USDT equity, 0.01796678") == (
        "1,469.70 of 49,915.15 USDT equity, 0.01796678"
    )
    assert _grouped("5000 1000SATS") == "5,000 1000SATS"


def test_orders_can_be_filtered_by_their_reason_each_with_its_number(page, subscription):
    for ending in ("filled", "skipped", "skipped", "denied"):
        signal_with_copies(subscription.strategy, [(subscription, ending)])
    shown = text_of(page.get("/orders/"))
    assert "2 × Your share is below the exchange's minimum." in shown
    assert "1 × Stopped by your limit for one order." in shown
    for query, expected in (
        ({"reason": "below_minimum"}, 2),
        ({"reason": "below_minimum", "status": "skipped"}, 2),
        ({"reason": "no such"}, 4),
    ):
        assert len(page.get("/orders/", query).context["rows"]) == expected


@pytest.mark.parametrize("of_the_copy", [False, True])
def test_what_a_limit_stopped_or_cut_leads_to_that_limit(of_the_copy, page, subscription):
    stopped, cut, free = signal_with_copies(subscription.strategy, [(subscription, "denied")]) + [
        signal_with_copies(subscription.strategy, [(subscription, "filled")])[0] for _order in range(2)
    ]
    words = {"label": "Cut to your limits", "detail": "0.0012 is more than they allow", "result": "0.0005"}
    step = words | {"cut": "max_order_notional"}
    CopyOrder.objects.filter(pk=cut.pk).update(sizing=[step])
    if of_the_copy:
        SubscriptionLimits.objects.create(subscription=subscription, max_order_notional=5)
    limits = f"/subscriptions/{subscription.public_id}/#limits" if of_the_copy else "/risk/"
    for order, leads in ((stopped, True), (cut, True), (free, False)):
        shown = text_of(page.get(f"/orders/{order.public_id}/"))
        assert (f'<a href="{limits}">Change limit</a>' in shown) == leads


def test_the_ids_of_an_order_can_be_copied(page, copied):
    shown = text_of(page.get(f"/orders/{copied.public_id}/"))
    assert f'<code id="our-id">{copied.client_order_id}</code>' in shown
    assert 'data-copy="our-id"' in shown
