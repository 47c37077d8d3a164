"""Publish a signal: first what it will do, then the button that does exactly that."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import APIException

from copytrade.pages.outcomes import tallies_of_signals
from copytrade.pages.studio.own import own_strategy
from copytrade.pages.studio.signal_form import SignalForm
from exchanges.rounding import EXACT
from execution import services, tasks
from execution.api.signals import limit_rate, rate_name
from execution.explain import sentence_of
from execution.preview import SignalPreview, preview_signal
from execution.reasons import Cut
from strategies.models import Signal, Strategy

SIGNALS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class WhatItDoes:
    """A preview in the words of the page; money in the strategy's quote."""

    wanted: services.Request
    preview: SignalPreview

    @property
    def mine(self) -> Decimal:
        return EXACT.multiply(self.wanted.amount, self.preview.price)

    @property
    def theirs(self) -> Decimal:
        return EXACT.multiply(self.preview.amount, self.preview.price)

    @property
    def skipped(self) -> list[tuple[str, int]]:
        return [(sentence_of(code), count) for code, count in self.preview.skipped.items()]

    @property
    def cut(self) -> list[tuple[str, int]]:
        return [(str(Cut(code).sentence), count) for code, count in self.preview.cut.items()]


@login_required
@require_http_methods(["GET", "POST"])
def send_signal(request: HttpRequest, slug: str) -> HttpResponse:
    strategy = own_strategy(request, slug)
    form = SignalForm(request.POST or None, request=request, strategy=strategy)
    shown = None
    if request.method == "POST" and form.is_valid():
        try:
            if "publish" in request.POST:
                return _publish(request, strategy, form.wanted())
            preview = preview_signal(strategy=strategy, request=form.wanted(), now=timezone.now())
            shown = WhatItDoes(form.wanted(), preview)
        except APIException as refusal:
            form.refuse(refusal)
    signals = list(Signal.objects.filter(strategy=strategy).order_by("-created_at", "-id")[:SIGNALS_SHOWN])
    tallies = tallies_of_signals([signal.pk for signal in signals])
    context = {
        "strategy": strategy,
        "form": form,
        "shown": shown,
        "signals": [(signal, tallies[signal.pk]) for signal in signals],
    }
    return render(request, "studio/signal.html", context, status=422 if form.errors else 200)


def _publish(request: HttpRequest, strategy: Strategy, wanted: services.Request) -> HttpResponse:
    # The same limit as for programs: each signal is an order of every follower.
    limit_rate(rate_name(strategy.owner_id, strategy.public_id))
    _signal, order = services.send_signal(
        strategy=strategy, request=wanted, source=Signal.Source.API, now=timezone.now()
    )
    if order is None:
        messages.info(request, _("This signal had been sent already: nothing was placed twice."))
    else:
        tasks.enqueue_orders([order.pk], queue="signals")
        messages.success(request, _("Sent. It is placed on your own account and copied as it fills."))
    return redirect("studio_signal", strategy.slug)
