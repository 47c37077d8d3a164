"""/strategies/SLUG/: what would it do to my money?"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from copytrade.pages.copy_quality import followers_of
from copytrade.pages.curves import Curve, curve_of, example_of, months_of
from copytrade.pages.holdings import Holding, holdings_of
from copytrade.pages.invited import invited_to, note_invite
from copytrade.pages.live import answer_poll, render_live
from copytrade.pages.outcomes import tallies_of_signals
from copytrade.pages.staff import may_trade
from execution.preview import shows_trades_to
from ledger import statistics
from ledger.models import Position
from strategies.models import Period, Signal, Strategy
from subscriptions.models import Subscription
from subscriptions.seeing import readable

TABLE_ROWS = 40
EXAMPLE = Decimal(1000)
SIGNALS_SHOWN = 10
PERIODS = {"7d": _("7 d"), "30d": _("30 d"), "90d": _("90 d"), "365d": _("1 y"), "all": _("All")}
EVERY = "15s"


def strategy_page(request: HttpRequest, slug: str) -> HttpResponse:
    now = timezone.now()
    invite = note_invite(request, now=now)
    strategy = visible_strategy(request, slug)
    period = request.GET.get("period", "all")
    period = period if period in PERIODS else "all"
    figures = statistics.current(strategy, Period(period), now=now)
    everything = figures if period == "all" else statistics.current(strategy, Period.ALL, now=now)
    curve = curve_of(figures)
    mine = _mine(request, strategy)
    shows_trades = shows_trades_to(strategy, request.user.pk)
    context = {
        "strategy": strategy,
        "curve": curve,
        "chart": _chart(curve),
        "table": curve.points[:: max(1, len(curve.points) // TABLE_ROWS)],
        "period": period,
        "periods": PERIODS,
        "figures": figures,
        "months": months_of(everything),
        "holding": _length(figures.average_holding_seconds),
        "example": example_of(figures, amount=EXAMPLE, fee_percent=strategy.performance_fee_percent),
        "followers": followers_of([strategy.pk])[strategy.pk],
        "mine": mine,
        # Goes on to the form that spends it.
        "invite": invite,
        "may_trade": may_trade(request.user),
        "is_owner": request.user.pk == strategy.owner_id,
        # None: the master shows them to others only.
        "positions": _positions(strategy) if shows_trades else None,
        "signals": _live_signals(request, strategy) if shows_trades else None,
    }
    return render(request, "pages/strategy.html", context)


def strategy_signals(request: HttpRequest, slug: str) -> HttpResponse:
    """The live part of the page."""
    strategy = visible_strategy(request, slug)
    if not shows_trades_to(strategy, request.user.pk):
        raise Http404("The master does not show them.")
    return answer_poll(
        request, "pages/_signals.html", _signals(strategy), address=_signals_address(strategy), every=EVERY
    )


def visible_strategy(request: HttpRequest, slug: str) -> Strategy:
    """Public ones, one's own, those one has followed or holds an invite to; all others do not exist."""
    strategies = readable(request.user.pk) | invited_to(request, now=timezone.now())
    return get_object_or_404(strategies.select_related("owner", "exchange_account"), slug=slug)


def _chart(curve: Curve) -> list[list[float]]:
    """[seconds, equity, drawdown in percent]: floats, as only pixels come of them."""
    return [
        [int(point.at.timestamp()), float(point.equity), float(drop * 100)]
        for point, drop in zip(curve.points, curve.drawdown(), strict=True)
    ]


def _length(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _mine(request: HttpRequest, strategy: Strategy) -> Subscription | None:
    if not request.user.pk:
        return None
    return Subscription.objects.owned_by(request.user.pk).live().filter(strategy=strategy).first()


def _live_signals(request: HttpRequest, strategy: Strategy) -> str:
    return render_live(
        request, "pages/_signals.html", _signals(strategy), address=_signals_address(strategy), every=EVERY
    )


def _positions(strategy: Strategy) -> list[Holding]:
    return holdings_of(Position.objects.of_master(strategy.pk), exchange=strategy.exchange_account.exchange)


def _signals_address(strategy: Strategy) -> str:
    return reverse("strategy_signals", args=[strategy.slug])


def _signals(strategy: Strategy) -> dict[str, Any]:
    signals = list(
        Signal.objects.filter(strategy=strategy, number__isnull=False).order_by("-number")[:SIGNALS_SHOWN]
    )
    tallies = tallies_of_signals([signal.pk for signal in signals])
    return {"strategy": strategy, "rows": [(signal, tallies[signal.pk]) for signal in signals]}
