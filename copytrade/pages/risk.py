"""/risk/: what at most can go wrong?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.exceptions import APIException

from accounts.person import signed_in
from compliance.audit import Origin
from copytrade.pages.limits_form import LABELS, LimitsForm
from copytrade.pages.limits_used import MONEY, meters_of
from copytrade.pages.order_rows import for_rows, order_rows
from copytrade.templatetags.ui import money, quantity
from execution import tasks
from execution.api.limits import in_flight
from execution.models import CopyOrder
from execution.services import release_parked_exits
from execution.states import Status
from risk import services
from risk.models import Breach, KillSwitch
from subscriptions.models import Subscription

DENIED_SHOWN = BREACHES_SHOWN = 20
TYPED = "FREEZE"


@login_required
@require_http_methods(["GET", "POST"])
def risk(request: HttpRequest) -> HttpResponse:
    limits = services.limits_of(signed_in(request)).as_limits()
    form = LimitsForm(request.POST or None, request=request, limits=limits)
    if request.method == "POST" and form.is_valid() and _save(request, form):
        return redirect("risk")
    return _shown(request, form)


@login_required
@require_POST
def kill_switch(request: HttpRequest) -> HttpResponse:
    """Off, close only or freeze; a freeze also leaves exits undone, so its word is typed."""
    user, mode, now = signed_in(request), request.POST.get("mode", ""), timezone.now()
    if mode not in KillSwitch.values:
        messages.error(request, _("Nothing was switched: choose one of the three."))
        return redirect("risk")
    if mode == KillSwitch.FREEZE and request.POST.get("typed", "").strip().upper() != TYPED:
        messages.error(request, _("Nothing was switched: type FREEZE to freeze."))
        return redirect("risk")
    services.set_kill_switch(user=user, mode=mode, now=now, origin=Origin.of(request))
    if mode != KillSwitch.FREEZE:
        tasks.enqueue_orders(release_parked_exits(user_id=user.pk, now=now), queue="exits")
    messages.success(request, _switched(mode, user_id=user.pk))
    return redirect("risk")


@login_required
@require_POST
def acknowledge(request: HttpRequest, public_id: UUID) -> HttpResponse:
    mine = Breach.objects.owned_by(signed_in(request).pk)
    services.acknowledge(breach=get_object_or_404(mine, public_id=public_id), now=timezone.now())
    return redirect("risk")


def _switched(mode: str, *, user_id: int) -> str:
    at = time_format(timezone.localtime(), "H:i:s")
    if mode == KillSwitch.OFF:
        return _("Off since %(at)s: trades are copied again.") % {"at": at}
    told = _("Frozen at %(at)s.") if mode == KillSwitch.FREEZE else _("Close only since %(at)s.")
    count = in_flight(user_id)
    under_way = ngettext(
        "%(n)s order was already at the exchange.", "%(n)s orders were already at the exchange.", count
    )
    return f"{told % {'at': at}} {under_way % {'n': count}}"


def _save(request: HttpRequest, form: LimitsForm) -> bool:
    try:
        services.replace_limits(
            user=signed_in(request),
            wanted=form.wanted(),
            now=timezone.now(),
            origin=Origin.of(request),
        )
    except APIException as refusal:
        form.refuse(refusal)
        return False
    messages.success(request, _("Saved. Every order from now on obeys these limits."))
    return True


def _shown(request: HttpRequest, form: LimitsForm) -> HttpResponse:
    user = signed_in(request)
    limits = services.limits_of(user).as_limits()
    denied = CopyOrder.objects.of_follower(user.pk).filter(status=Status.DENIED)
    context: dict[str, Any] = {
        "form": form,
        "switch": limits.kill_switch,
        "meters": meters_of(limits, user_id=user.pk, now=timezone.now()),
        "copies": Subscription.objects.owned_by(user.pk)
        .live()
        .select_related("strategy", "exchange_account")
        .order_by("-id"),
        "breaches": _breaches(user.pk),
        "rows": order_rows(for_rows(denied)[:DENIED_SHOWN]),
    }
    return render(request, "pages/risk.html", context, status=422 if form.errors else 200)


def _breaches(user_id: int) -> list[tuple[Breach, Any, str]]:
    """Each with its rule and its numbers in words, newest first; `denied` says what was stopped."""
    orders = CopyOrder.objects.filter(
        subscription=OuterRef("copy"), client_order_id=OuterRef("client_order_id"), status=Status.DENIED
    )
    mine = Breach.objects.owned_by(user_id).select_related("subscription__strategy").order_by("-id")
    rows = mine.annotate(
        denied=Subquery(orders.values("reason_text")[:1]),
        order_shown=Subquery(orders.values("public_id")[:1]),
    )
    return [
        (row, LABELS.get(row.rule, row.rule.replace("_", " ")), _reached(row))
        for row in rows[:BREACHES_SHOWN]
    ]


def _reached(breach: Breach) -> str:
    if breach.rule in MONEY:
        return f"{money(breach.value)} / {money(breach.limit)} {breach.currency}"
    return f"{quantity(breach.value)} / {quantity(breach.limit)} {breach.currency}"
