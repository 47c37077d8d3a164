"""/dashboard/: is everything all right?"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.consents import changed_since_accepted
from accounts.person import signed_in
from copytrade.pages.away import away_of, note_look
from copytrade.pages.coverage import coverage_of
from copytrade.pages.holdings import copies_of, holdings_of, totals_of
from copytrade.pages.leftovers import split
from copytrade.pages.limits_used import Meter, meters_of
from copytrade.pages.listing import with_figures
from copytrade.pages.live import answer_poll, render_live, signed_out
from copytrade.pages.order_rows import for_rows, order_rows
from copytrade.pages.staff import found_in_admin, may_trade
from execution.day_results import day_openings
from execution.models import CopyOrder
from ledger.models import Position, Trade
from risk.checks import Limits
from risk.models import RiskLimits
from strategies.models import Strategy
from subscriptions.models import Subscription

FEED_LENGTH = 12
FEED_EVERY = "3s"
FIGURES_EVERY = "10s"


@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    user_id = user.pk
    own = list(
        Strategy.objects.filter(owner_id=user_id).select_related("owner", "exchange_account").order_by("id")
    )
    now = timezone.now()
    away = away_of(user, now=now)
    note_look(user, now=now)
    figures = _figures(user_id)
    context = {
        "away": away,
        "has_copies": bool(figures["copies"] or figures["ended"]),
        "has_running": bool(figures["copies"]),
        "figures": render_live(
            request, "pages/_figures.html", figures, address=reverse("dashboard_figures"), every=FIGURES_EVERY
        ),
        "feed": render_live(
            request, "pages/_feed.html", _feed(user_id), address=reverse("dashboard_feed"), every=FEED_EVERY
        ),
        "own": with_figures(own),
        "may_trade": may_trade(user),
        "found_in_admin": found_in_admin(user) if user.is_staff else [],
        "texts_to_accept": changed_since_accepted(user),
        "loaded_at": now,
    }
    return render(request, "pages/dashboard.html", context)


def dashboard_feed(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return signed_out(request)
    note_look(signed_in(request), now=timezone.now())
    return answer_poll(
        request,
        "pages/_feed.html",
        _feed(signed_in(request).pk),
        address=reverse("dashboard_feed"),
        every=FEED_EVERY,
    )


def dashboard_figures(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return signed_out(request)
    return answer_poll(
        request,
        "pages/_figures.html",
        _figures(signed_in(request).pk),
        address=reverse("dashboard_figures"),
        every=FIGURES_EVERY,
    )


def _daily_loss(user_id: int) -> Meter | None:
    """None: the person has not limited it."""
    limits = RiskLimits.objects.by_user([user_id]).get(user_id)
    if limits is None or limits.max_daily_loss is None:
        return None
    only = Limits(currency=limits.currency, max_daily_loss=limits.max_daily_loss)
    return meters_of(only, user_id=user_id, now=timezone.now())[0]


def _feed(user_id: int) -> dict[str, Any]:
    return {"rows": order_rows(for_rows(CopyOrder.objects.of_follower(user_id))[:FEED_LENGTH])}


def _figures(user_id: int) -> dict[str, Any]:
    subscriptions = list(
        Subscription.objects.owned_by(user_id)
        .select_related("strategy", "exchange_account")
        .order_by("-created_at", "-id")
    )
    holdings = holdings_of(Position.objects.of_follower(user_id))
    positions, leftovers = split(holdings)
    dust = [leftover for leftover in leftovers if leftover.is_dust]
    copies, ended = copies_of(subscriptions, holdings, dust=[leftover.holding for leftover in dust])
    now = timezone.now()
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    openings = day_openings(user_id, now=now)
    return {
        "copies": copies,
        "ended": ended,
        "holdings": positions,
        "dust": dust,
        "kept": [leftover for leftover in leftovers if not leftover.is_dust],
        "totals": totals_of(copies, ended, user_id=user_id, since=today, openings=openings),
        "fees_uncounted": Trade.objects.of_follower(user_id).with_fees_uncounted().count(),
        "coverage": coverage_of(Subscription.objects.owned_by(user_id)),
        "daily_loss": _daily_loss(user_id),
    }
