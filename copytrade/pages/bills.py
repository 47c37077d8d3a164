"""/bills/: what do I owe for gains, and what is owed to me?"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from rest_framework.exceptions import APIException

from accounts.person import signed_in
from compliance.audit import Origin
from ledger.bills import services
from ledger.bills.models import BillState
from ledger.fees import share_of
from ledger.models import Bill
from ledger.valuation import worth_of
from strategies.models import Strategy
from subscriptions.models import Subscription

PER_PAGE = 50
ACTS = {"paid": services.mark_paid, "waived": services.waive}


@dataclass(frozen=True, slots=True)
class Accrued:
    """What would be billed of a running copy if it were settled now; None: its worth is not known."""

    copy: Subscription
    percent: Decimal
    fee: Decimal | None


@login_required
def bills(request: HttpRequest) -> HttpResponse:
    user_id = signed_in(request).pk
    is_master = request.GET.get("role") == "master"
    rows = Bill.objects.owed_to(user_id) if is_master else Bill.objects.owed_by(user_id)
    page = Paginator(rows.with_people().order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "is_master": is_master,
        "has_strategies": is_master or Strategy.objects.filter(owner_id=user_id).exists(),
        "page": page,
        "query": "role=master" if is_master else "",
        "open": rows.filter(state=BillState.OPEN).due_by_asset(),
        "paid": rows.filter(state=BillState.PAID).due_by_asset(),
        "accruing": [] if is_master else accruing_of(user_id),
        "state_open": BillState.OPEN,
    }
    return render(request, "pages/bills.html", context)


@login_required
@require_POST
def decide(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The master's word on one bill: `act` is `paid` or `waived`."""
    owed = Bill.objects.owed_to(signed_in(request).pk).with_people()
    bill = get_object_or_404(owed, public_id=public_id)
    decide_so = ACTS.get(request.POST.get("act", ""))
    if decide_so is None:
        raise Http404("There is no such act.")
    try:
        decide_so(bill=bill, by=signed_in(request), origin=Origin.of(request), now=timezone.now())
    except APIException as refusal:
        messages.error(request, str(refusal.detail))
    else:
        words = {"who": bill.subscription.follower.name, "state": bill.get_state_display()}
        messages.success(request, _("The bill of %(who)s: %(state)s.") % words)
    return redirect(f"{reverse('bills')}?role=master")


def accruing_of(user_id: int) -> list[Accrued]:
    """Of all running copies that pay a fee; two queries and one for their worth."""
    running = Subscription.objects.owned_by(user_id).live().filter(own=False, agreed_fee_percent__gt=0)
    copies = list(running.select_related("strategy", "exchange_account").order_by("-id"))
    worth = worth_of(copies, now=timezone.now()) if copies else {}
    return [
        Accrued(copy, services.percent_of(copy), accrued_fee(copy, worth[copy.pk].pnl)) for copy in copies
    ]


def accrued_fee(copy: Subscription, result: Decimal | None) -> Decimal | None:
    if result is None:
        return None
    return share_of(result, mark=copy.fee_mark, percent=services.percent_of(copy)).fee
