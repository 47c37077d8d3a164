"""Is it healthy, and was it? Queues, venues, latencies, orders and workers, for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from redis import RedisError

from accounts.person import signed_in
from compliance.models import unsealed
from copytrade import alive, self_checks, standing
from copytrade.pages.live import answer_poll, render_live, signed_out
from copytrade.pages.operation_charts import RANGES, charts, chosen_range
from copytrade.pages.staff import is_admin
from exchanges import limits

EVERY = "5s"
TEMPLATE = "pages/_operations.html"


@require_safe
@login_required
def operations(request: HttpRequest) -> HttpResponse:
    _check_role(request)
    now = timezone.now()
    figures = render_live(
        request, TEMPLATE, _figures(now), address=reverse("operations_figures"), every=EVERY
    )
    chosen = chosen_range(request.GET.get("range", ""))
    context = {"figures": figures, "loaded_at": now, "ranges": RANGES, "chosen": chosen}
    return render(request, "pages/operations.html", context | _charts(chosen, now))


@require_safe
def operations_figures(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return signed_out(request)
    _check_role(request)
    address = reverse("operations_figures")
    return answer_poll(request, TEMPLATE, _figures(timezone.now()), address=address, every=EVERY)


def _check_role(request: HttpRequest) -> None:
    if not is_admin(signed_in(request)):
        raise PermissionDenied


def _charts(chosen: str, now: datetime) -> dict[str, Any]:
    """Read once for each page, not with each poll: a week is ten thousand samples."""
    try:
        return {"groups": charts(chosen, now=now)}
    except RedisError:
        return {"groups": [], "is_history_away": True}


def _figures(now: datetime) -> dict[str, Any]:
    return {
        "orders": standing.orders(now),
        "unsealed": unsealed(),
        "feeds": sorted(standing.feed_ages(now).items()),
        "latencies": standing.latencies(now),
        "venues": limits.states(),
        "watchers": standing.watchers(now),
        "checks": sorted(self_checks.last_results().items()),
        **_of_broker(now),
    }


def _of_broker(now: datetime) -> dict[str, Any]:
    """What only the broker knows; without it the page still tells the rest."""
    try:
        return {"queues": standing.queue_depths().items(), "workers": alive.workers(now)}
    except RedisError:
        return {"queues": [], "workers": [], "is_broker_away": True}
