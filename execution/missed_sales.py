"""Orders of ours that the books have not heard of to the end: asked for before anybody is suspected."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from exchanges import loop
from execution import drift, reconcile
from execution.endings import Work
from execution.models import CopyOrder
from execution.settling import settle
from execution.states import FINAL, Status
from wallets.models import ExchangeAccount

# What is no longer asked for may be forgotten by the venue.
MOST = 100
ENDED = FINAL - {Status.FILLED, Status.DENIED}


def look_again(*, now: datetime) -> Work:
    """Count once more where coins were missing a minute ago; until then their entries wait."""
    account_ids = drift.take_due(now=now)
    if not account_ids:
        return Work()
    work = adopt(account_ids, now=now)
    drift.compare(list(ExchangeAccount.objects.connected().filter(pk__in=account_ids).order_by("pk")))
    return work


def adopt(account_ids: Collection[int], *, now: datetime, side: str = "sell") -> Work:
    """Ask about these accounts' orders that ended lately without being filled, and book what is new."""
    ended = CopyOrder.objects.filter(
        exchange_account__in=account_ids,
        subscription__isnull=False,
        side=side,
        attempt__gt=0,
        status__in=ENDED,
        finished_at__gte=now - reconcile.VENUES_REMEMBER,
    )
    orders = {
        order.pk: order for order in ended.select_related("exchange_account").order_by("-finished_at")[:MOST]
    }
    questions = [question for order in orders.values() if (question := reconcile.question(order))]
    if not questions:
        return Work()
    outcomes = [
        reconcile.outcome(answer.question, answer.report, None, now)
        for answer in loop.run(reconcile.ask_all(questions))
        if answer.report and answer.report.filled > orders[answer.question.order_id].filled_amount
    ]
    return settle(outcomes, now=now) if outcomes else Work()
