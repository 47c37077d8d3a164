"""/positions/: what one holds, through whom, and what is not there any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.person import signed_in
from copytrade.pages.holdings import Holding, holdings_of
from copytrade.pages.leftovers import split
from copytrade.pages.live import answer_poll, render_live, signed_out
from copytrade.templatetags.ui import quote_coin
from execution.models import CoinDifference, CopyOrder
from execution.reasons import Reason
from ledger.models import Adjustment, Position

EVERY = "10s"
DRIFTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class HeldIn:
    """Sums over positions in one quote coin; `value` and `unrealised` None: one has no price."""

    quote: str
    cost: Decimal
    value: Decimal | None

    @property
    def unrealised(self) -> Decimal | None:
        return None if self.value is None else self.value - self.cost


@login_required
def positions(request: HttpRequest) -> HttpResponse:
    facts = _facts(signed_in(request).pk)
    body = render_live(request, "pages/_held.html", facts, address=reverse("positions_live"), every=EVERY)
    return render(request, "pages/positions.html", {"body": body})


def positions_live(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return signed_out(request)
    facts = _facts(signed_in(request).pk)
    return answer_poll(request, "pages/_held.html", facts, address=reverse("positions_live"), every=EVERY)


def _facts(user_id: int) -> dict[str, Any]:
    running, leftovers = split(holdings_of(Position.objects.of_follower(user_id)))
    return {
        "holdings": running,
        "totals": held_by_quote(running),
        "dust": [leftover for leftover in leftovers if leftover.is_dust],
        "kept": [leftover for leftover in leftovers if not leftover.is_dust],
        "drifts": _drifts(user_id),
        "differences": list(
            CoinDifference.objects.filter(exchange_account__owner=user_id)
            .select_related("exchange_account")
            .order_by("-id")[:DRIFTS_SHOWN]
        ),
        "adjustments": list(
            Adjustment.objects.filter(subscription__follower=user_id)
            .select_related("subscription__strategy")
            .order_by("-id")[:DRIFTS_SHOWN]
        ),
    }


def held_by_quote(holdings: Sequence[Holding]) -> list[HeldIn]:
    """One line per quote coin: sums of different coins are not sums."""
    quotes = sorted({quote_coin(holding.position.symbol) for holding in holdings})
    return [_sum(quote, [h for h in holdings if quote_coin(h.position.symbol) == quote]) for quote in quotes]


def _sum(quote: str, holdings: Sequence[Holding]) -> HeldIn:
    values = [holding.value for holding in holdings]
    known = [value for value in values if value is not None]
    return HeldIn(
        quote=quote,
        cost=sum((holding.position.cost for holding in holdings), Decimal(0)),
        value=sum(known, Decimal(0)) if len(known) == len(values) else None,
    )


def _drifts(user_id: int) -> list[CopyOrder]:
    """Sales that found fewer coins than were copied, newest first."""
    missed = CopyOrder.objects.of_follower(user_id).filter(reason_code=Reason.COINS_MISSING)
    return list(missed.select_related("strategy").order_by("-id")[:DRIFTS_SHOWN])
