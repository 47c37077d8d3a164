"""What the two people of a bill are told of it, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify
from exchanges.rounding import plain
from ledger.bills.models import Bill, BillCorrection, BillState


def billed(bill: Bill, *, now: datetime) -> None:
    """The follower of each bill, the master once a month for each strategy."""
    words = _words(bill)
    notify(
        user_ids=[bill.subscription.follower_id],
        kind=NotificationKind.PERFORMANCE_FEE,
        title=_("Fee of %(amount)s %(asset)s for %(strategy)s") % words,
        body=_(
            "Your copy gained %(gain)s %(asset)s above its highest settled result; the master's share is "
            "%(percent)s %%.\n\nYou pay it to the master yourself: nothing is taken from your account. "
            "What was billed is not billed again."
        )
        % words,
        link=reverse("bills"),
        now=now,
        dedupe=f"bill:{bill.public_id}",
    )
    notify(
        user_ids=[bill.strategy.owner_id],
        kind=NotificationKind.PERFORMANCE_FEE,
        title=_("Fees for %(strategy)s, %(month)s, are billed") % words,
        body=_("Followers pay them to you. Say of each bill when it is paid, or waive it.") % words,
        link=_owed_to_them(),
        now=now,
        dedupe=f"bills:{bill.strategy.public_id}:{bill.month}",
    )


def decided(bill: Bill, *, now: datetime) -> None:
    words = _words(bill)
    if bill.state == BillState.PAID:
        title = _("Your fee of %(amount)s %(asset)s for %(strategy)s is paid")
        body = _("The master confirmed that the money has arrived.")
    else:
        title = _("Your fee of %(amount)s %(asset)s for %(strategy)s is waived")
        body = _("The master does not ask for it. You need not pay it.")
    notify(
        user_ids=[bill.subscription.follower_id],
        kind=NotificationKind.PERFORMANCE_FEE,
        title=title % words,
        body=body,
        link=reverse("bills"),
        now=now,
        dedupe=f"bill:{bill.public_id}:{bill.state}",
    )


def credited(correction: BillCorrection, *, now: datetime) -> None:
    """Both people: it was billed too much."""
    bill = correction.bill
    words = _words(bill) | {"credit": plain(correction.credit)}
    why = _(
        "A trade that this fee of %(amount)s %(asset)s had counted was taken back, so that the copy "
        "gained less. %(credit)s %(asset)s of it were too much."
    )
    paid = bill.state == BillState.PAID
    to_follower = _("The master owes you that much.") if paid else _("You owe that much less.")
    to_master = _("Pay it back to the follower.") if paid else _("The follower owes you that much less.")
    people = (
        (bill.subscription.follower_id, to_follower, reverse("bills")),
        (bill.strategy.owner_id, to_master, _owed_to_them()),
    )
    for user_id, what_now, link in people:
        notify(
            user_ids=[user_id],
            kind=NotificationKind.PERFORMANCE_FEE,
            title=_("Credit of %(credit)s %(asset)s for %(strategy)s, %(month)s") % words,
            body=f"{why % words}\n\n{what_now}",
            link=link,
            now=now,
            dedupe=f"credit:{correction.pk}",
        )


def _owed_to_them() -> str:
    """The master's side of the page."""
    return f"{reverse('bills')}?role=master"


def _words(bill: Bill) -> dict[str, str]:
    return {
        "amount": plain(bill.amount),
        "asset": bill.asset,
        "gain": plain(bill.gain),
        "percent": plain(bill.percent),
        "strategy": bill.strategy.name,
        "month": date_format(bill.month, "F Y"),
    }
