"""/signals/ID/: where did everybody end?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Case, IntegerField, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.person import signed_in
from copytrade.pages.live import answer_poll, render_live, signed_out
from copytrade.pages.order_rows import OrderRow, order_rows
from copytrade.pages.outcomes import tallies_of_signals
from copytrade.pages.strategy import visible_strategy
from execution.models import CopyOrder, CopyOrderQuerySet
from execution.preview import shows_trades_to
from strategies.models import Signal

PER_PAGE = 50
EVERY = "3s"


@login_required
def signal_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    facts = _facts(request, public_id)
    body = render_live(request, "pages/_signal.html", facts, **_poll(facts))
    return render(request, "pages/signal.html", {**facts, "body": body})


def signal_live(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The first page of copies again, as long as one of them is open."""
    if not request.user.is_authenticated:
        return signed_out(request)
    facts = _facts(request, public_id)
    return answer_poll(request, "pages/_signal.html", facts, **_poll(facts))


def _poll(facts: dict[str, Any]) -> dict[str, str]:
    signal, tally = facts["signal"], facts["tally"]
    is_final = signal.fanned_out_at is not None and not tally.undecided
    on_first_page = facts["page"].number == 1
    return {
        "address": reverse("signal_live", args=[signal.public_id]),
        "every": EVERY if on_first_page and not is_final else "",
    }


def _facts(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    signal = get_object_or_404(
        Signal.objects.filter(number__isnull=False).select_related("strategy"), public_id=public_id
    )
    strategy = visible_strategy(request, signal.strategy.slug)
    if not shows_trades_to(strategy, signed_in(request).pk):
        raise Http404("The master does not show it.")
    paginator = Paginator(_copies(signal, signed_in(request).pk), PER_PAGE)
    number = request.GET.get("page", "1")
    if not number.isdecimal() or not 1 <= int(number) <= paginator.num_pages:
        raise Http404("There is no such page.")
    page = paginator.page(int(number))
    rows = order_rows(page.object_list)
    return {
        "signal": signal,
        "strategy": strategy,
        "tally": tallies_of_signals([signal.pk])[signal.pk],
        "page": page,
        "rows": rows,
        "spread": _spread(rows),
    }


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
