"""A trade that should not be in the books is taken back by another; nothing is edited."""

import csv
import io
import json
import uuid
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.notifications.models import Notification
from compliance.audit import Origin
from compliance.models import AuditRecord
from ledger.checking import check_books
from ledger.models import Adjustment, Position, Posting, Trade
from ledger.reversals import NotReversible, reverse_trade
from subscriptions.models import Subscription
from tests.execution.test_check_books import behind_the_triggers
from tests.ledger.fills import book, fill

pytestmark = pytest.mark.django_db


def reverse(trade: Trade, reason: str = "booked to the wrong copy") -> Trade:
    return reverse_trade(trade_id=trade.public_id, reason=reason, origin=Origin(), now=timezone.now())


def told(subscription: Subscription) -> tuple[Decimal, ...]:
    row = Position.objects.get(subscription=subscription)
    cash, result = Subscription.objects.values_list("cash", "realised_pnl").get(pk=subscription.pk)
    return (row.held, row.cost, row.realised_pnl, row.fees, cash, result)


def amounts(*numbers: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(number) for number in numbers)


def test_its_owner_is_told_what_was_taken_back_why_and_what_it_changes(subscription):
    (trade,) = book(subscription, [fill("buy", "0.01", "50000", "0.5")])
    reverse(trade)
    note = Notification.objects.get(user=subscription.follower)
    assert (note.kind, note.mail) == ("trade_reversed", "due")
    assert note.link == f"/subscriptions/{subscription.public_id}/statement/"
    for words in ("purchase of 0.01 BTC/USDT at 50000", "booked to the wrong copy", "changed by 0 USDT"):
        assert words in note.body


def test_a_master_is_told_of_a_trade_of_their_own(subscription):
    (trade,) = book(subscription.strategy, [fill("buy", "1", "100")])
    reverse(trade)
    note = Notification.objects.get(user=subscription.strategy.owner)
    assert (note.kind, note.link) == ("trade_reversed", "/trades/")


# --- Stories ------------------------------------------------------------------------------------------


def test_a_purchase_that_never_was_is_taken_back_to_the_last_cent(subscription):
    """1,000 USDT. Bought 0.01 BTC at 50,000, fee 0.50: 500.50 paid, 499.50 left. Taken back: 1,000 again."""
    (trade,) = book(subscription, [fill("buy", "0.01", "50000", "0.5")])
    assert told(subscription) == amounts("0.01", "500.5", "0", "0.5", "499.5", "0")
    reversal = reverse(trade)
    assert told(subscription) == amounts("0", "0", "0", "0", "1000", "0")
    assert (reversal.side, reversal.fee, reversal.realised_pnl) == ("sell", Decimal("-0.5"), 0)
    assert list(check_books()) == []


def test_what_later_sales_would_have_made_without_it_is_the_reversals_result(subscription):
    """Bought 1 at 100 and 1 at 200 (150 on average), sold 1 at 300: 150 made.

    The first purchase was not ours. Then one coin was bought at 200 and sold at 300: 100 made, so the
    reversal tells 50 less, and 100 of cash comes back: 1,000 - 200 + 300 = 1,100.
    """
    first, _, sale = book(
        subscription, [fill("buy", "1", "100"), fill("buy", "1", "200"), fill("sell", "1", "300")]
    )
    assert told(subscription) == amounts("1", "150", "150", "0", "1000", "150")
    reversal = reverse(first)
    assert reversal.realised_pnl == -50
    assert told(subscription) == amounts("0", "0", "100", "0", "1100", "100")
    sale.refresh_from_db()
    assert sale.realised_pnl == 150
    assert list(check_books()) == []


def test_a_sale_that_never_was_gives_coins_and_target_back(subscription):
    """Bought 1 at 100; a sale of half at 120, fee 0.60, is told by mistake and taken back."""
    book(subscription, [fill("buy", "1", "100")])
    (sale,) = book(subscription, [fill("sell", "0.5", "120", "0.6")])
    assert sale.realised_pnl == Decimal("9.4")
    Position.objects.update(target="0.5")
    reverse(sale)
    assert told(subscription) == amounts("1", "100", "0", "0", "900", "0")
    assert Position.objects.get().target == 1
    assert list(check_books()) == []


# --- What holds ---------------------------------------------------------------------------------------


def test_the_postings_of_a_reversal_are_the_trades_the_other_way(subscription):
    (trade,) = book(subscription, [fill("buy", "0.01", "50000", "0.0001", "BTC")])
    reversal = reverse(trade)
    there = Posting.objects.filter(trade=trade).values_list("source", "destination", "amount", "asset")
    back = Posting.objects.filter(trade=reversal).values_list("destination", "source", "amount", "asset")
    assert sorted(there) == sorted(back)
    assert len(back) == 3


def test_a_trade_is_reversed_once_and_a_reversal_never(subscription):
    (trade,) = book(subscription, [fill("buy", "0.01", "50000")])
    reversal = reverse(trade)
    for one, why in ((trade, "already"), (reversal, "not reversed")):
        with pytest.raises(NotReversible, match=why):
            reverse(one)
    twice = Trade.objects.get(pk=reversal.pk)
    twice.pk, twice.public_id = None, uuid.uuid4()
    with pytest.raises(IntegrityError, match="a_trade_is_reversed_once"), transaction.atomic():
        twice.save(force_insert=True)


def test_the_exchange_telling_the_fill_again_does_not_book_it_again(subscription):
    mistaken = fill("buy", "0.01", "50000")
    (trade,) = book(subscription, [mistaken])
    reverse(trade)
    assert book(subscription, [mistaken]) == []


def test_a_copys_purchase_whose_coins_are_sold_is_not_reversed_before_the_sale(subscription):
    bought, sold = book(subscription, [fill("buy", "1", "100"), fill("sell", "1", "90")])
    before = told(subscription)
    with pytest.raises(NotReversible, match="later sale"):
        reverse(bought)
    assert told(subscription) == before
    reverse(sold)
    reverse(bought)
    assert told(subscription) == amounts("0", "0", "0", "0", "1000", "0")
    assert list(check_books()) == []


def test_a_masters_own_trade_is_reversed_too(subscription):
    strategy = subscription.strategy
    bought, _ = book(strategy, [fill("buy", "1", "100"), fill("sell", "2", "120")])
    reverse(bought)
    row = Position.objects.get(subscription=None)
    assert (row.held, row.cost, row.realised_pnl) == amounts("0", "0", "0")
    assert list(Trade.objects.of_master(strategy.pk).standing().values_list("side", flat=True)) == ["sell"]
    assert list(check_books()) == []


def test_miscounted_books_are_not_corrected_further(subscription):
    (trade,) = book(subscription, [fill("buy", "1", "100")])
    Position.objects.update(held=2)
    with pytest.raises(NotReversible, match="miscounted"):
        reverse(trade)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_trade SET realised_pnl = 1 WHERE reverses_id IS NOT NULL",
        "UPDATE ledger_trade SET fee = 0 WHERE reverses_id IS NOT NULL",
        "DELETE FROM ledger_posting p USING ledger_trade t WHERE p.trade_id = t.id AND t.reverses_id > 0",
        "UPDATE ledger_trade SET side = 'buy' WHERE reverses_id IS NOT NULL",
    ],
)
def test_an_edited_reversal_is_found(subscription, statement):
    (trade,) = book(subscription, [fill("buy", "1", "100", "0.1")])
    reverse(trade)
    behind_the_triggers(statement)
    assert next(check_books())


def test_coins_that_left_are_not_taken_back_a_second_time(subscription):
    (trade,) = book(subscription, [fill("buy", "1", "100")])
    Adjustment.objects.create(
        subscription=subscription,
        exchange_account=subscription.exchange_account,
        symbol="BTC/USDT",
        cause="own_trading",
        asset="BTC",
        amount=1,
        cost=100,
        at=timezone.now(),
    )
    Position.objects.update(held=0, cost=0)
    with pytest.raises(NotReversible, match="left"):
        reverse(trade)


# --- Where it shows -----------------------------------------------------------------------------------


def test_lists_and_exports_tell_what_reverses_what(api, subscription):
    (trade,) = book(subscription, [fill("buy", "0.01", "50000", "0.5")])
    reversal = reverse(trade)
    rows = {row["id"]: row for row in api.get("/api/v1/trades/").json()["results"]}
    one, other = str(trade.public_id), str(reversal.public_id)
    assert (rows[one]["reverses"], rows[one]["reversed_by"]) == (None, other)
    assert (rows[other]["reverses"], rows[other]["reversed_by"]) == (one, None)
    assert rows[other]["venue_trade_id"] == rows[one]["venue_trade_id"]
    exported = b"".join(api.get("/api/v1/trades/export?format=json").streaming_content)
    assert {row["id"]: row for row in json.loads(exported)} == rows


def test_what_is_taken_back_is_no_disposal(api, subscription):
    book(subscription, [fill("buy", "1", "100")])
    (sale,) = book(subscription, [fill("sell", "1", "120")])
    reverse(sale)
    text = b"".join(api.get("/api/v1/trades/cost-basis").streaming_content).decode()
    assert list(csv.DictReader(io.StringIO(text))) == []


def test_the_command_reverses_and_leaves_a_record(subscription):
    (trade,) = book(subscription, [fill("buy", "0.01", "50000")])
    out = StringIO()
    call_command("reverse_trade", str(trade.public_id), "--reason", "told by mistake", stdout=out)
    reversal = Trade.objects.get(reverses=trade)
    assert str(reversal.public_id) in out.getvalue()
    record = AuditRecord.objects.get(action="trade.reverse")
    assert record.object == f"trade {trade.public_id}"
    assert record.detail == {"reversal": str(reversal.public_id), "reason": "told by mistake"}


@pytest.mark.parametrize(
    ("number", "reason", "why"),
    [
        ("00000000-0000-0000-0000-000000000000", "x", "no such trade"),
        (None, " ", "needs a reason"),
        (None, "x" * 201, "needs a reason"),
    ],
)
def test_the_command_refuses_and_changes_nothing(subscription, number, reason, why):
    (trade,) = book(subscription, [fill("buy", "0.01", "50000")])
    with pytest.raises(CommandError, match=why):
        call_command("reverse_trade", number or str(trade.public_id), "--reason", reason)
    assert Trade.objects.count() == 1
    assert not AuditRecord.objects.filter(action="trade.reverse").exists()
