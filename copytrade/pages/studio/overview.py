"""/studio/: how do I do as a master?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.person import signed_in
from copytrade.pages.listing import Listed, with_figures
from copytrade.pages.live import answer_poll, render_live, signed_out
from copytrade.pages.studio.failures import failures_of
from ledger.bills.models import Bill, BillState
from strategies.models import Strategy
from subscriptions.models import Subscription

EVERY = "10s"
LOOKED_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Owned:
    """One of the master's strategies; `copied` is what its followers put in."""

    listed: Listed
    copied: Decimal

    @property
    def strategy(self) -> Strategy:
        return self.listed.strategy


@login_required
def studio(request: HttpRequest) -> HttpResponse:
    facts = _facts(signed_in(request).pk)
    body = render_live(request, "studio/_studio.html", facts, address=reverse("studio_live"), every=EVERY)
    return render(request, "studio/studio.html", {"body": body})


def studio_live(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return signed_out(request)
    facts = _facts(signed_in(request).pk)
    return answer_poll(request, "studio/_studio.html", facts, address=reverse("studio_live"), every=EVERY)


def _facts(user_id: int) -> dict[str, Any]:
    strategies = list(
        Strategy.objects.filter(owner_id=user_id)
        .select_related("owner", "exchange_account")
        .order_by("status", "-id")
    )
    ids = [strategy.pk for strategy in strategies]
    followed = Subscription.objects.live().filter(strategy__in=ids, own=False)
    copied = dict(followed.order_by().values_list("strategy").annotate(Sum("allocation")))
    by_quote = followed.order_by().values_list("strategy__quote").annotate(Sum("allocation"), Count("pk"))
    return {
        "owned": [Owned(row, copied.get(row.strategy.pk, Decimal(0))) for row in with_figures(strategies)],
        "totals": sorted(by_quote),
        "followers": sum(count for _quote, _sum, count in by_quote),
        "fees": Bill.objects.owed_to(user_id).exclude(state=BillState.WAIVED).due_by_asset(),
        "failures": failures_of(ids, since=timezone.now() - LOOKED_BACK),
    }
