"""The acts on one's copies: pause, resume, stop, pause all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.exceptions import APIException

from accounts.person import signed_in
from copytrade.pages.bills import accrued_fee
from copytrade.pages.holdings import Holding, holdings_of
from copytrade.templatetags.ui import base_coin, quantity
from execution.leaving import leave
from ledger.bills.services import percent_of
from ledger.models import Position
from ledger.valuation import worth_of
from subscriptions import services
from subscriptions.models import Subscription


@login_required
@require_POST
def pause(request: HttpRequest, public_id: UUID) -> HttpResponse:
    subscription = _own(request, public_id)
    services.pause(subscription=subscription, now=timezone.now())
    messages.success(
        request,
        _("%(name)s is paused: nothing is bought, exits are still copied.") % {"name": subscription.strategy},
    )
    return _back(request, subscription)


@login_required
@require_POST
def resume(request: HttpRequest, public_id: UUID) -> HttpResponse:
    subscription = _own(request, public_id)
    try:
        services.resume(subscription=subscription, now=timezone.now())
    except APIException as refusal:
        messages.error(request, str(refusal.detail))
    else:
        messages.success(request, _("%(name)s is copied again.") % {"name": subscription.strategy})
    return _back(request, subscription)


@login_required
@require_POST
def pause_all(request: HttpRequest) -> HttpResponse:
    count = services.pause_all(follower=signed_in(request), now=timezone.now())
    text = ngettext("%(n)s copy is paused.", "%(n)s copies are paused.", count) % {"n": count}
    messages.success(request, text + " " + _("Nothing is bought; exits are still copied."))
    return HttpResponseRedirect(reverse("dashboard"))


@login_required
@require_http_methods(["GET", "POST"])
def stop(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Ask what to do with what is held, then stop copying."""
    subscription = _own(request, public_id)
    if request.method == "POST" and request.POST.get("positions") in ("keep", "close"):
        leave(subscription=subscription, positions=request.POST["positions"], now=timezone.now())
        messages.success(request, _("You do not copy %(name)s any more.") % {"name": subscription.strategy})
        return HttpResponseRedirect(reverse("dashboard"))
    holdings = holdings_of(Position.objects.filter(subscription=subscription))
    result = worth_of([subscription], now=timezone.now())[subscription.pk].pnl
    context = {
        "subscription": subscription,
        **_for_sale(holdings),
        "pays_fee": percent_of(subscription) > 0,
        "fee": accrued_fee(subscription, result),
    }
    return render(request, "pages/stop.html", context)


def _for_sale(holdings: Sequence[Holding]) -> dict[str, Any]:
    """What selling everything would sell, and for about how much; None where a price is unknown."""
    coins = [f"{quantity(h.position.held)} {base_coin(h.position.symbol)}" for h in holdings]
    values = [holding.value for holding in holdings]
    known = [value for value in values if value is not None]
    return {
        "holdings": holdings,
        "coins": get_text_list(coins, _("and")),
        "worth": sum(known) if len(known) == len(values) else None,
    }


def _back(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    """To the page on which the button was."""
    if request.POST.get("back") == "copy":
        return HttpResponseRedirect(reverse("copy", args=[subscription.public_id]))
    return HttpResponseRedirect(reverse("dashboard"))


def _own(request: HttpRequest, public_id: UUID) -> Subscription:
    mine = Subscription.objects.owned_by(signed_in(request).pk).live()
    return get_object_or_404(mine.select_related("strategy", "exchange_account"), public_id=public_id)
