"""/subscriptions/ID/statement/: what happened in this copy's account, on paper if need be."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.person import signed_in
from execution.statement import statement_of
from rest.fields import Moment
from subscriptions.models import Subscription

TRADES_SHOWN = 500
DAY = forms.DateInput({"type": "date"})


class PeriodForm(forms.Form):
    """Whole days, UTC, the last one included."""

    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=DAY)
    until = forms.DateField(label=gettext_lazy("To"), required=False, widget=DAY)

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        since, until = given.get("since"), given.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day is before the first one."))
        if until == date.max:
            self.add_error("until", _("This day is too late."))
        return given


@login_required
@require_GET
def statement(request: HttpRequest, public_id: UUID) -> HttpResponse:
    mine = Subscription.objects.owned_by(signed_in(request).pk)
    subscription = get_object_or_404(
        mine.select_related("strategy", "follower", "exchange_account"), public_id=public_id
    )
    form = PeriodForm(request.GET)
    is_right = form.is_valid()
    days = form.cleaned_data if is_right else {}
    now = timezone.now()
    since = _start(days["since"]) if days.get("since") else subscription.created_at
    until = _start(days["until"] + timedelta(days=1)) if days.get("until") else now
    told = statement_of(subscription, since=since, until=until, now=now)
    trades = list(told.trades[: TRADES_SHOWN + 1])
    context = {
        "form": form,
        "subscription": subscription,
        "strategy": subscription.strategy,
        "statement": told,
        "trades": trades[:TRADES_SHOWN],
        "has_more": len(trades) > TRADES_SHOWN,
        "files": _files(subscription, since, until),
    }
    return render(request, "pages/statement.html", context, status=200 if is_right else 422)


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _files(subscription: Subscription, since: datetime, until: datetime) -> list[tuple[str, str]]:
    """The same stretch of time for a spreadsheet and for a program."""
    address = reverse("api-statement", args=[subscription.public_id])
    moment = Moment().to_representation
    wanted = {"from": moment(since), "to": moment(until)}
    return [(kind, f"{address}?{urlencode({**wanted, 'format': kind.lower()})}") for kind in ("CSV", "JSON")]
