"""Settling fees: at each month's end and on leaving a copy's gain above its mark becomes a bill.

Due is what was not settled since the month began, or since the copy closed. Run twice, it settles once. A
copy that goes on waits for the next run while a coin of its has no fresh price, as its result is not known;
one that ended is judged by the prices of that moment.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from ledger.bills import telling
from ledger.bills.models import Bill, BillState
from ledger.fees import Share, share_of
from ledger.models import Trade
from ledger.valuation import worth_of, worth_when_left
from rest import codes
from rest.errors import Conflict, Forbidden
from subscriptions.locks import lock_subscription
from subscriptions.models import Subscription

BILL_DECIDED = codes.declare("bill_decided", "This bill was paid or waived already.")
NOT_THE_MASTER = codes.declare("not_the_master", "Only the strategy's master says so.")


def settle_due(*, now: datetime) -> int:
    """Settle every copy whose month or whose life is over; how many bills that made."""
    due = Subscription.objects.fees_due(month=month_of(now)).order_by("pk").values_list("pk", flat=True)
    return sum(settle(subscription_id=subscription_id, now=now) is not None for subscription_id in list(due))


def settle(*, subscription_id: int, now: datetime) -> Bill | None:
    """The bill of one copy if something is due; None also where its result is not known yet."""
    with transaction.atomic(durable=True):
        copy = lock_subscription(subscription_id)
        if not Subscription.objects.fees_due(month=month_of(now)).filter(pk=copy.pk).exists():
            return None
        share = _share(copy, now)
        if share is None:
            return None
        bill = _write(copy, share, now) if share.fee else None
        copy.fee_mark, copy.fees_settled_at = share.mark, now
        copy.save(update_fields=["fee_mark", "fees_settled_at"])
        return bill


def percent_of(copy: Subscription) -> Decimal:
    """What the follower agreed to, or less where the master asks less by now; nothing of oneself."""
    if copy.own:
        return Decimal(0)
    return min(copy.agreed_fee_percent, copy.strategy.performance_fee_percent)


def mark_paid(*, bill: Bill, by: User, origin: Origin, now: datetime) -> Bill:
    """The master got the money."""
    return _decide(bill, BillState.PAID, Action.BILL_PAY, by, origin, now)


def waive(*, bill: Bill, by: User, origin: Origin, now: datetime) -> Bill:
    """The master does not ask for the money."""
    return _decide(bill, BillState.WAIVED, Action.BILL_WAIVE, by, origin, now)


def month_of(now: datetime) -> datetime:
    """When the month of this moment began, by UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _share(copy: Subscription, now: datetime) -> Share | None:
    if copy.closed_at:
        result: Decimal | None = worth_when_left(copy, at=copy.closed_at) - copy.allocation
    else:
        result = worth_of([copy], now=now)[copy.pk].pnl
    if result is None:
        return None
    return share_of(result, mark=copy.fee_mark, percent=percent_of(copy))


def _write(copy: Subscription, share: Share, now: datetime) -> Bill:
    bill = Bill.objects.create(
        subscription=copy,
        strategy=copy.strategy,
        month=month_of(copy.closed_at).date() if copy.closed_at else _last_month(now),
        closing_number=copy.closing_number if copy.closed_at else 0,
        mark_before=copy.fee_mark,
        mark_after=share.mark,
        percent=percent_of(copy),
        amount=share.fee,
        asset=copy.strategy.quote,
        settled_at=now,
        fees_uncounted=Trade.objects.filter(subscription=copy).with_fees_uncounted().count(),
    )
    telling.billed(bill, now=now)
    return bill


def _last_month(now: datetime) -> date:
    return month_of(month_of(now) - timedelta(days=1)).date()


def _decide(bill: Bill, state: BillState, action: Action, by: User, origin: Origin, now: datetime) -> Bill:
    """From open to `state`. The same answer again changes nothing; another one is refused."""
    if bill.strategy.owner_id != by.pk:
        raise Forbidden(NOT_THE_MASTER)
    with transaction.atomic(durable=True):
        rows = Bill.objects.filter(pk=bill.pk, state=BillState.OPEN)
        is_first = rows.update(state=state, decided_at=now) == 1
        bill.refresh_from_db(fields=["state", "decided_at"])
        if bill.state != state:
            raise Conflict(BILL_DECIDED)
        if is_first:
            audit.record(action, origin=origin, object=str(bill.public_id))
            telling.decided(bill, now=now)
    return bill
