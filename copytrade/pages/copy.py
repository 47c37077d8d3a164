"""/subscriptions/ID/: how is this copy going?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Case, Count, F, Q, Sum, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import APIException

from accounts.person import signed_in
from compliance.audit import Origin
from copytrade.pages.copy_form import CopyForm
from copytrade.pages.coverage import coverage_of
from copytrade.pages.gap import Gap, split_gap
from copytrade.pages.holdings import Copy, EndedCopy, copies_of, holdings_of
from copytrade.pages.leftovers import split
from copytrade.pages.limits_form import LimitsForm
from copytrade.pages.limits_used import meters_of_copy
from copytrade.pages.live import answer_poll, render_live, signed_out
from copytrade.pages.order_rows import for_rows, order_rows
from execution.explain import sentence_of
from execution.models import CopyOrder
from execution.states import Status
from ledger.models import Position, Trade
from risk.services import limits_of_copy, replace_limits_of_copy
from strategies.models import PerformanceSnapshot
from subscriptions import services
from subscriptions.models import History, Subscription
from subscriptions.serializers import changes_of

EVERY = "10s"
CHANGEABLE = frozenset({Subscription.Status.ACTIVE, Subscription.Status.PAUSED})
ORDERS_SHOWN = 8
REASONS_SHOWN = 5
HISTORY_SHOWN = 20


@login_required
@require_http_methods(["GET", "POST"])
def copy_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    subscription = _own(request, public_id)
    form = CopyForm(request.POST or None, request=request, subscription=subscription)
    may_change = subscription.status in CHANGEABLE
    if may_change and request.method == "POST" and form.is_valid() and _save(request, subscription, form):
        return redirect("copy", subscription.public_id)
    return _shown(request, subscription, settings=form)


@login_required
@require_http_methods(["GET", "POST"])
def copy_limits(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The copy's own limits, saved beside its settings."""
    subscription = _own(request, public_id)
    if request.method == "GET" or subscription.status not in CHANGEABLE:
        return redirect("copy", subscription.public_id)
    form = _limits_form(request, subscription, request.POST)
    if form.is_valid() and _save_limits(request, subscription, form):
        return redirect("copy", subscription.public_id)
    return _shown(request, subscription, limits=form)


def copy_live(request: HttpRequest, public_id: UUID) -> HttpResponse:
    if not request.user.is_authenticated:
        return signed_out(request)
    subscription = _own(request, public_id)
    return answer_poll(request, "pages/_copy.html", _facts(subscription), **_poll(subscription))


def _own(request: HttpRequest, public_id: UUID) -> Subscription:
    mine = Subscription.objects.owned_by(signed_in(request).pk)
    return get_object_or_404(
        mine.select_related("follower", "strategy__owner", "strategy__exchange_account", "exchange_account"),
        public_id=public_id,
    )


def _shown(
    request: HttpRequest,
    subscription: Subscription,
    *,
    settings: CopyForm | None = None,
    limits: LimitsForm | None = None,
) -> HttpResponse:
    may_change = subscription.status in CHANGEABLE
    settings = settings or CopyForm(None, request=request, subscription=subscription)
    limits = limits or _limits_form(request, subscription, None)
    context = {
        "subscription": subscription,
        "strategy": subscription.strategy,
        "form": settings if may_change else None,
        "limits": limits if may_change else None,
        "meters": meters_of_copy(limits.limits, subscription=subscription, now=timezone.now())
        if may_change
        else [],
        "history": History.objects.filter(subscription=subscription)
        .select_related("subscription")
        .order_by("-at", "-pk")[:HISTORY_SHOWN],
        "body": render_live(request, "pages/_copy.html", _facts(subscription), **_poll(subscription)),
    }
    wrong = may_change and (settings.errors or limits.errors)
    return render(request, "pages/copy.html", context, status=422 if wrong else 200)


def _limits_form(request: HttpRequest, subscription: Subscription, data: Any) -> LimitsForm:
    limits = limits_of_copy(subscription).as_limits()
    return LimitsForm(data, request=request, limits=limits, prefix="limits")


def _save_limits(request: HttpRequest, subscription: Subscription, form: LimitsForm) -> bool:
    """As a PUT of the API."""
    try:
        replace_limits_of_copy(
            subscription=subscription, wanted=form.wanted(), now=timezone.now(), origin=Origin.of(request)
        )
    except APIException as refusal:
        form.refuse(refusal)
        return False
    messages.success(request, _("Saved. Every order of this copy from now on obeys these limits."))
    return True


def _save(request: HttpRequest, subscription: Subscription, form: CopyForm) -> bool:
    """As a PATCH of the API; what is refused stands beside its field."""
    if not form.given:
        messages.info(request, _("Nothing was changed."))
        return True
    try:
        services.change_subscription(
            subscription=subscription,
            changes=changes_of(form.given),
            now=timezone.now(),
            origin=Origin.of(request),
        )
    except APIException as refusal:
        form.refuse(refusal)
        return False
    messages.success(request, _("Saved. It counts from the next trade on."))
    return True


def _poll(subscription: Subscription) -> dict[str, str]:
    final = subscription.status == Subscription.Status.CLOSED
    return {"address": reverse("copy_live", args=[subscription.public_id]), "every": "" if final else EVERY}


def _facts(subscription: Subscription) -> dict[str, Any]:
    holdings = holdings_of(Position.objects.filter(subscription=subscription))
    positions, leftovers = split(holdings)
    running, ended = copies_of([subscription], holdings, dust=[])
    copy: Copy | EndedCopy = (running or ended)[0]
    orders = CopyOrder.objects.filter(subscription=subscription)
    return {
        "subscription": subscription,
        "strategy": subscription.strategy,
        "copy": copy,
        "gap": gap_of(subscription, copy.result),
        "fees_uncounted": Trade.objects.filter(subscription=subscription).with_fees_uncounted().count(),
        "coverage": coverage_of(Subscription.objects.filter(pk=subscription.pk)),
        "reasons": _reasons(subscription),
        "holdings": positions,
        "leftovers": leftovers,
        "rows": order_rows(for_rows(orders)[:ORDERS_SHOWN]),
    }


def gap_of(subscription: Subscription, result: Decimal | None) -> Gap:
    """Two looks at the books: what worse prices and fees cost, and the master's equity then and now."""
    per_coin = Case(
        When(side="buy", then=F("price") - F("master_price")), default=F("master_price") - F("price")
    )
    sums = Trade.objects.filter(subscription=subscription).aggregate(
        worse=Sum(per_coin * F("quantity"), default=Decimal(0)),
        fees=Sum("fee_in_quote", default=Decimal(0)),
    )
    snapshots = PerformanceSnapshot.objects.filter(strategy=subscription.strategy_id)
    before = snapshots.filter(at__lte=subscription.created_at).order_by("-at").first()
    until = subscription.closed_at or timezone.now()
    last = snapshots.filter(at__lte=until).order_by("-at").first()
    return split_gap(
        result=result,
        allocation=subscription.allocation,
        worse_prices=sums["worse"],
        fees=sums["fees"],
        master_before=before.equity if before else None,
        master_now=last.equity if last else None,
    )


def _reasons(subscription: Subscription) -> list[tuple[str, int]]:
    """Why signals were not copied, the most frequent first."""
    left_out = CopyOrder.objects.filter(subscription=subscription, filled_amount=0).exclude(reason_code="")
    of_ends = Q(status__in=[Status.SKIPPED, Status.DENIED, Status.REJECTED, Status.EXPIRED, Status.CANCELED])
    counted = left_out.filter(of_ends).values_list("reason_code").annotate(n=Count("pk")).order_by("-n")
    return [(sentence_of(code), n) for code, n in counted[:REASONS_SHOWN]]
