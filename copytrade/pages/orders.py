"""/orders/ID/: why this size, how fast, at which price."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.person import signed_in
from copytrade.pages.live import answer_poll, render_live, signed_out
from copytrade.pages.order_rows import order_row
from execution import explain
from execution.models import CopyOrder, CopyOrderQuerySet
from execution.reasons import Reason
from ledger.models import Fill
from risk.models import SubscriptionLimits
from subscriptions.sizing import written_out

# Neither decimals nor the name of a coin.
LONG_NUMBER = re.compile(r"(?<![\w.,])\d{4,}(?!\w)")
EVERY = "3s"
# Codes of what stopped an order, and of the steps that made it smaller.
LIMITS = frozenset(
    {
        Reason.KILL_SWITCH,
        Reason.MAX_ORDER_NOTIONAL,
        Reason.MAX_OPEN_NOTIONAL,
        Reason.MAX_DAILY_LOSS,
        Reason.MAX_OPEN_POSITIONS,
        Reason.MAX_ORDERS_PER_DAY,
        Reason.SYMBOLS_ALLOWED,
        Reason.SYMBOLS_BLOCKED,
    }
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of the way; start and width are of a bar that is 100 wide."""

    label: str | Promise
    length: int
    start: Decimal
    width: Decimal


ATTEMPTS = {
    "submitting": _("on its way"),
    "unknown": _("no answer yet; we are asking"),
    "placed": _("taken"),
    "refused": _("refused"),
    "not_placed": _("not taken"),
}
STAGES = {"detect": _("detect"), "size": _("size"), "submit": _("submit"), "fill": _("fill")}


@login_required
def order_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    order = _one(request, public_id)
    body = render_live(request, "pages/_order.html", _facts(order), **_poll(order))
    return render(request, "pages/order.html", {"order": order, "row": order_row(order), "body": body})


def order_live(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The page's body again, as long as the order is not final."""
    if not request.user.is_authenticated:
        return signed_out(request)
    order = _one(request, public_id)
    return answer_poll(request, "pages/_order.html", _facts(order), **_poll(order))


def _one(request: HttpRequest, public_id: UUID) -> CopyOrder:
    return get_object_or_404(_with_facts(_seen_by(request)), public_id=public_id)


def _poll(order: CopyOrder) -> dict[str, str]:
    address = reverse("order_live", args=[order.public_id])
    return {"address": address, "every": "" if order.is_final else EVERY}


def _facts(order: CopyOrder) -> dict[str, Any]:
    return {
        "order": order,
        "row": order_row(order),
        "stages": _stages(explain.latencies_ms(order)),
        "states": _states(order),
        "attempts": [(attempt, ATTEMPTS[attempt.outcome]) for attempt in explain.attempts(order)],
        "steps": [
            {name: _grouped(text) for name, text in written_out(step, gettext).items()}
            for step in order.sizing
        ],
        "limits_at": _limits_at(order),
        "limits": LIMITS,
        "fills": Fill.objects.filter(
            exchange_account=order.exchange_account, client_order_id=order.client_order_id
        ).order_by("at", "id"),
    }


def _limits_at(order: CopyOrder) -> str:
    """Where the limit is changed that cut this order or stopped it; empty where none did."""
    is_cut = any(step.get("cut") in LIMITS for step in order.sizing)
    if order.subscription is None or not (is_cut or order.reason_code in LIMITS):
        return ""
    if SubscriptionLimits.objects.filter(subscription=order.subscription).exists():
        return reverse("copy", args=[order.subscription.public_id]) + "#limits"
    return reverse("risk")


def _grouped(text: str) -> str:
    """What a step says, its long numbers easy to read: `49915.15` becomes `49,915.15`."""
    return LONG_NUMBER.sub(lambda found: f"{int(found[0]):,}", text)


def _seen_by(request: HttpRequest) -> CopyOrderQuerySet:
    """A follower's own, and a master's own orders on the own account."""
    user_id = signed_in(request).pk
    own = Q(subscription__follower_id=user_id) | Q(subscription=None, exchange_account__owner_id=user_id)
    return CopyOrder.objects.filter(own)


def _with_facts(found: CopyOrderQuerySet) -> CopyOrderQuerySet:
    return found.select_related("strategy__owner", "exchange_account", "signal", "subscription")


def _stages(lengths: Mapping[str, int | None]) -> list[Stage]:
    known = {name: length for name, length in lengths.items() if length is not None}
    whole = Decimal(sum(known.values()) or 1)
    stages, start = [], Decimal(0)
    for name, length in known.items():
        width = Decimal(100 * length) / whole
        stages.append(Stage(STAGES[name], length, start, width))
        start += width
    return stages


def _states(order: CopyOrder) -> list[tuple[str | Promise, datetime]]:
    """What happened when, in the order of the trade's way. All but the first moment are of our clock.

    When the request was signed is left out: it is the sending again, by the exchange's clock.
    """
    sent_at = order.submitted_at if order.attempt else None
    moments = [
        (_("The master's trade (the exchange's clock)"), order.signal_at),
        (_("We learned of it"), order.detected_at),
        (_("This order was written"), order.created_at),
        (_("Taken up and sent to the exchange"), sent_at),
        (_("The exchange answered"), order.acknowledged_at),
        (_("Finished"), order.finished_at),
    ]
    return [(label, at) for label, at in moments if at is not None]
