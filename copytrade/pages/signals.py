"""/signals/ID/: where did everybody end?"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Case, IntegerField, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from copytrade.pages.order_rows import OrderRow, order_rows
from copytrade.pages.outcomes import tallies_of_signals
from copytrade.pages.person import signed_in
from copytrade.pages.strategy import visible_strategy
from execution.models import CopyOrder, CopyOrderQuerySet
from strategies.models import Signal

PER_PAGE = 50


@login_required
def signal_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    signal = get_object_or_404(Signal.objects.select_related("strategy"), public_id=public_id)
    strategy = visible_strategy(request, signal.strategy.slug)
    paginator = Paginator(_copies(signal, signed_in(request).pk), PER_PAGE)
    number = request.GET.get("page", "1")
    if not number.isdecimal() or not 1 <= int(number) <= paginator.num_pages:
        raise Http404("There is no such page.")
    page = paginator.page(int(number))
    rows = order_rows(page.object_list)
    context = {
        "signal": signal,
        "strategy": strategy,
        "tally": tallies_of_signals([signal.pk])[signal.pk],
        "page": page,
        "rows": rows,
        "spread": _spread(rows),
    }
    return render(request, "pages/signal.html", context)


def _copies(signal: Signal, user_id: int) -> CopyOrderQuerySet:
    """One's own first; `mine` tells which may be named."""
    mine = Case(
        When(subscription__follower_id=user_id, then=Value(1)), default=Value(0), output_field=IntegerField()
    )
    return (
        CopyOrder.objects.filter(signal=signal, subscription__isnull=False)
        .select_related("strategy", "exchange_account")
        .annotate(mine=mine)
        .order_by("-mine", "id")
    )


def _spread(rows: list[OrderRow]) -> dict[str, Decimal | int] | None:
    """Best and worst of what is shown; None when nothing was filled."""
    prices = [row.slippage for row in rows if row.slippage is not None]
    delays = [row.latency for row in rows if row.latency is not None]
    if not prices or not delays:
        return None
    return {"best": min(prices), "worst": max(prices), "fastest": min(delays), "slowest": max(delays)}
