"""/trades/: what happened, by filters that stand in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.person import signed_in
from execution.exports.models import ExportJob
from execution.trades import with_orders
from ledger.models import Position, Trade
from ledger.serializers import trades_of
from strategies.models import Strategy
from subscriptions.models import Subscription

PER_PAGE = 50
# Above it a browser would wait too long: a worker writes the file.
STREAMED_AT_MOST = 50_000
SIDES = [("", _("Buys and sales")), ("buy", _("Buys")), ("sell", _("Sales"))]


class TradesForm(forms.Form):
    """Days are the person's; `to` is the last day that counts."""

    strategy = forms.ModelChoiceField(
        Strategy.objects.none(), to_field_name="public_id", required=False, label=_("Strategy")
    )
    symbol = forms.ChoiceField(required=False, label=_("Coin"))
    side = forms.ChoiceField(choices=SIDES, required=False, label=_("Side"))
    subscription = forms.ModelChoiceField(
        Subscription.objects.none(),
        to_field_name="public_id",
        required=False,
        widget=forms.HiddenInput,
        label=_("Copy"),
    )

    def __init__(self, data: Any, *, user_id: int) -> None:
        super().__init__(data)
        mine = Subscription.objects.owned_by(user_id)
        choices: Any = self.fields
        choices["strategy"].queryset = Strategy.objects.filter(
            Q(pk__in=mine.values("strategy")) | Q(owner_id=user_id)
        ).order_by("name", "id")
        choices["strategy"].empty_label = _("All strategies")
        choices["subscription"].queryset = mine.select_related("strategy")
        choices["symbol"].choices = [("", _("All coins")), *((s, s) for s in _symbols(user_id))]
        for name, label in (("from", _("From")), ("to", _("Until"))):
            day = forms.DateField(
                required=False, label=label, widget=forms.DateInput({"type": "date", "class": "form-control"})
            )
            self.fields[name] = day
        for name in ("strategy", "symbol", "side"):
            self.fields[name].widget.attrs["class"] = "form-select"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("from"), cleaned.get("to")
        if first and last and last < first:
            self.add_error("to", _("This day is before the first one."))
        return cleaned

    def wanted(self) -> dict[str, Any]:
        """What the filters mean, by the names that the API has for them."""
        given = {name: value for name, value in self.cleaned_data.items() if value}
        if "from" in given:
            given["from"] = _midnight(given["from"])
        if "to" in given:
            given["to"] = _midnight(given["to"] + timedelta(days=1))
        return given

    def query(self) -> dict[str, str]:
        """As the page's own address says it."""
        return {name: _text(value) for name, value in self.cleaned_data.items() if value}


@dataclass(frozen=True, slots=True)
class Total:
    """Over everything that the filters leave, in one quote coin."""

    quote: str
    trades: int
    bought: Decimal
    sold: Decimal
    fees: Decimal
    fees_unknown: int
    realised: Decimal


@login_required
def trades(request: HttpRequest) -> HttpResponse:
    user_id = signed_in(request).pk
    form = TradesForm(request.GET, user_id=user_id)
    # What cannot be understood shows nothing: the totals would be of something else.
    found = trades_of(user_id, form.wanted()) if form.is_valid() else Trade.objects.none()
    totals = totals_of(found)
    count = sum(total.trades for total in totals)
    page = _page(with_orders(found), request.GET.get("page", "1"), count=count)
    context = {
        "form": form,
        "page": page,
        "totals": totals,
        "filtered": form.is_valid() and bool(form.query()),
        "query": urlencode(form.query()) if form.is_valid() else "",
        "exports": exports_of(form.wanted()) if form.is_valid() else {},
        "is_streamed": count <= STREAMED_AT_MOST,
        "jobs": ExportJob.objects.owned_by(user_id).of_interest(now=timezone.now()),
    }
    return render(request, "pages/trades.html", context)


def totals_of(found: QuerySet[Trade]) -> list[Total]:
    """One query; one line per quote coin."""
    rows = (
        found.order_by()
        .values(quote=F("strategy__quote"))
        .annotate(
            trades=Count("pk"),
            bought=_standing("buy") - _reversed("buy"),
            sold=_standing("sell") - _reversed("sell"),
            fees=Sum("fee_in_quote", default=Decimal(0)),
            fees_unknown=Count("pk", filter=Q(fee_in_quote=None)),
            realised=Sum("realised_pnl", default=Decimal(0)),
        )
        .order_by("quote")
    )
    return [Total(**row) for row in rows]


def _standing(side: str) -> Sum:
    return Sum("cost", filter=Q(side=side, reverses=None), default=Decimal(0))


def _reversed(side: str) -> Sum:
    """Of that side's trades those that were taken back: by trades to the other."""
    return Sum("cost", filter=~Q(side=side) & ~Q(reverses=None), default=Decimal(0))


def exports_of(wanted: Mapping[str, Any]) -> dict[str, str]:
    """By format the address that exports exactly this."""
    query = {name: _text(value) for name, value in wanted.items()}
    address = reverse("api-trades-export")
    return {form: f"{address}?{urlencode({'format': form, **query})}" for form in ("csv", "json")}


def _symbols(user_id: int) -> list[str]:
    """What one has ever traded: each has its position."""
    own = Q(subscription__follower_id=user_id) | Q(subscription=None, strategy__owner_id=user_id)
    return list(Position.objects.filter(own).order_by("symbol").values_list("symbol", flat=True).distinct())


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value.public_id) if isinstance(value, Strategy | Subscription) else str(value)


def _page(found: QuerySet[Trade], number: str, *, count: int) -> Page[Trade]:
    """`count` is known from the totals: counted once more, a million trades would cost as much again."""
    rows = found.select_related("strategy", "subscription", "exchange_account").order_by("-pk")
    paginator = Paginator(rows, PER_PAGE)
    paginator.count = count
    if not number.isdecimal() or not 1 <= int(number) <= paginator.num_pages:
        raise Http404("There is no such page.")
    return paginator.page(int(number))
