"""/: what this is, and whether to trust it."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from copytrade.pages.copy_quality import delay_of_all
from copytrade.pages.listing import with_figures
from execution.models import CopyOrder
from execution.states import LIVE
from strategies import search
from strategies.models import Period, Strategy

SHOWN = 3
# An order whose fate is not known for longer than this is unexplained.
PATIENCE = timedelta(minutes=5)


def landing(request: HttpRequest) -> HttpResponse:
    most_followed = search.ordered(
        search.with_figures_of(Strategy.objects.listed(), Period.ALL), "-followers"
    )
    return render(
        request,
        "pages/landing.html",
        {
            "listed": with_figures(most_followed.select_related("owner", "exchange_account")[:SHOWN]),
            "delay": delay_of_all(),
            **_orders_of_a_day(),
        },
    )


def _orders_of_a_day() -> dict[str, int]:
    now = timezone.now()
    copies = CopyOrder.objects.filter(created_at__gte=now - timedelta(days=1), subscription__isnull=False)
    return copies.aggregate(
        copied_today=Count("id", filter=Q(filled_amount__gt=0)),
        unexplained=Count("id", filter=Q(status__in=LIVE, created_at__lt=now - PATIENCE)),
    )
