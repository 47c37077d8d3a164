"""A fee that had counted a trade which is taken back: settled again, beside the bill that was told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import Notification
from compliance.audit import SYSTEM
from execution.statement import statement_of
from ledger.bills import services, telling
from ledger.models import Bill, BillCorrection, PricePoint
from ledger.prices import stretch_of
from ledger.reversals import reverse_trade
from subscriptions.models import Subscription
from tests import factories
from tests.ledger.fills import book, fill

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=70)


@pytest.fixture
def copy(user):
    """1,000 USDT of the user's; the master's share is 10 %."""
    return factories.SubscriptionFactory(
        follower=user,
        strategy=factories.StrategyFactory(performance_fee_percent=Decimal(10)),
        agreed_fee_percent=Decimal(10),
        created_at=LONG_AGO,
        cash=1000,
        allocation=1000,
    )


def deal(copy, bought, sold, quantity="1"):
    return book(copy, [fill("buy", quantity, bought), fill("sell", quantity, sold)])


def settle(copy):
    """As at a month's end: what was settled before is long ago."""
    Subscription.objects.filter(pk=copy.pk).exclude(fees_settled_at=None).update(fees_settled_at=LONG_AGO)
    now = timezone.now()
    months = Bill.objects.filter(subscription=copy).count()
    bill = services.settle(subscription_id=copy.pk, now=now)
    if bill:  # Each of a month of its own.
        Bill.objects.filter(pk=bill.pk).update(month=bill.month - timedelta(days=31 * (9 - months)))
    return bill


def take_back(*trades):
    """The later first, as a purchase whose coins were sold stays."""
    for trade in trades:
        reverse_trade(trade_id=trade.public_id, reason="not ours", origin=SYSTEM, now=timezone.now())


def marks(bill):
    return [(row.mark_before, row.mark_after, row.credit) for row in bill.corrections.all()]


def mark_of(copy):
    return Subscription.objects.get(pk=copy.pk).fee_mark


def test_a_gain_that_was_not_the_copys_gives_its_share_back_and_lowers_the_mark(copy):
    """Sold at 150 more, then at 50 more: 200 gained, 20 billed. The 50 were not ours: of 150 it is 15.

    The sale goes first: without it the coin is held, worth 150 by the price of the settling, and nothing
    changes. Then the purchase of 100 goes too, and 5 come back.
    """
    deal(copy, "100", "250")
    bought, sold = deal(copy, "100", "150")
    PricePoint.objects.create(
        exchange="paper", symbol="BTC/USDT", at=stretch_of(timezone.now()), price=150, read_at=NOW
    )
    bill = settle(copy)
    assert (bill.amount, mark_of(copy)) == (20, 200)
    take_back(sold)
    assert (marks(bill), mark_of(copy)) == ([], 200)
    take_back(bought)
    assert marks(bill) == [(0, 150, 5)]
    assert mark_of(copy) == 150
    bill.refresh_from_db()
    assert (bill.amount, bill.mark_after, bill.due) == (20, 200, 15)


def test_a_later_bill_moves_with_the_mark_and_costs_what_it_did(copy):
    """200 gained: 20. Then 100 more: 10. Of the first 200, 50 were not ours: 150 and 250, 5 come back."""
    deal(copy, "100", "250")
    bought, sold = deal(copy, "100", "150")
    first = settle(copy)
    deal(copy, "100", "200")
    second = settle(copy)
    assert (second.amount, mark_of(copy)) == (10, 300)
    take_back(sold, bought)
    assert marks(first)[-1] == (0, 150, 5)
    assert marks(second)[-1] == (150, 250, 0)
    assert mark_of(copy) == 250


def test_the_next_fee_begins_above_the_corrected_mark(copy):
    """200 billed, corrected to 150; then 30 gained: 3, where the old mark would have asked for nothing."""
    deal(copy, "100", "250")
    bought, sold = deal(copy, "100", "150")
    settle(copy)
    take_back(sold, bought)
    deal(copy, "100", "130")
    bill = settle(copy)
    assert (bill.mark_before, bill.mark_after, bill.amount) == (150, 180, 3)


def test_a_loss_that_was_not_the_copys_asks_for_nothing_of_the_past_and_falls_due_next(copy):
    """200 less 50 gained: 15. The loss was not ours: 50 are above the mark and make 5 with the next bill."""
    deal(copy, "100", "300")
    bought, sold = deal(copy, "100", "50")
    bill = settle(copy)
    take_back(sold, bought)
    assert (marks(bill)[-1], mark_of(copy)) == ((0, 150, 0), 150)
    assert settle(copy).amount == 5


def test_all_of_a_gain_that_was_not_the_copys_gives_all_of_it_back(copy):
    bought, sold = deal(copy, "100", "150")
    bill = settle(copy)
    take_back(sold, bought)
    assert sum(row.credit for row in bill.corrections.all()) == bill.amount == 5
    assert mark_of(copy) == 0


def test_a_trade_booked_after_the_bill_does_not_touch_it(copy):
    deal(copy, "100", "300")
    bill = settle(copy)
    bought, sold = deal(copy, "100", "150")
    take_back(sold, bought)
    assert (marks(bill), mark_of(copy)) == ([], 200)


@pytest.mark.parametrize(
    ("state", "credit", "told"), [("open", 5, "less"), ("paid", 5, "owes you"), ("waived", 0, None)]
)
def test_both_people_are_told_what_comes_back_and_of_a_waived_bill_nothing_does(copy, state, credit, told):
    deal(copy, "100", "250")
    bought, sold = deal(copy, "100", "150")
    bill = settle(copy)
    decided = {"paid": services.mark_paid, "waived": services.waive}
    if state in decided:
        decided[state](bill=bill, by=copy.strategy.owner, origin=SYSTEM, now=timezone.now())
    take_back(sold, bought)
    assert bill.corrections.last().credit == credit
    notes = Notification.objects.filter(title__startswith="Credit of 5 USDT")
    people = {copy.follower_id: "/bills/", copy.strategy.owner_id: "/bills/?role=master"} if told else {}
    assert dict(notes.values_list("user_id", "link")) == people
    if told:
        assert told in notes.get(user=copy.follower).body


def test_the_list_the_page_and_the_statement_tell_the_credit(api, client, user, copy):
    deal(copy, "100", "250")
    bought, sold = deal(copy, "100", "150")
    settle(copy)
    take_back(sold, bought)
    (shown,) = api.get("/api/v1/bills/").json()["results"]
    assert (shown["amount"], shown["credited"]) == ("20", "5")
    client.force_login(user)
    assert "5.00 credited" in client.get("/bills/").content.decode()
    assert Bill.objects.all().due_by_asset() == [("USDT", Decimal(15))]
    now = timezone.now()
    until = now + timedelta(days=1)
    assert statement_of(copy, since=LONG_AGO, until=until, now=now).performance_fee == 15


@pytest.mark.parametrize(
    "act", ["UPDATE ledger_billcorrection SET credit = 0", "DELETE FROM ledger_billcorrection"]
)
def test_the_database_refuses_to_change_a_correction(copy, act):
    bought, sold = deal(copy, "100", "150")
    settle(copy)
    take_back(sold, bought)
    assert BillCorrection.objects.exists()
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(act)


@pytest.mark.django_db(transaction=True)
def test_no_bill_is_paid_or_waived_while_its_credit_is_worked_out(copy, monkeypatch):
    trades = deal(copy, "100", "200")
    bill = settle(copy)
    refused = []

    def change() -> None:
        try:
            with transaction.atomic():
                Bill.objects.select_for_update(no_key=True, nowait=True).get(pk=bill.pk)
        except OperationalError as error:
            refused.append(str(error))
        finally:
            connection.close()

    def before_the_commit(correction: BillCorrection, **_changes: object) -> None:
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(change).result()

    monkeypatch.setattr(telling, "credited", before_the_commit)
    take_back(*reversed(trades))
    assert len(refused) == 1
    assert "could not obtain lock" in refused[0]
