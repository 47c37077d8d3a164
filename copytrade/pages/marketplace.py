"""/strategies/: whom to look at."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Page
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from copytrade.pages.listing import with_figures
from rest.pagination import CappedPaginator
from strategies import search
from strategies.models import Period, Strategy, StrategyQuerySet

PER_PAGE = 24
# Filters that are folded away.
MORE = ("exchange", "symbol", "tag", "min_roi", "max_drawdown")
PERIOD = Period.QUARTER
# By column, figure or `followers`: see strategies/search.py.
ORDERINGS = {
    "median": "-followers_median_roi",
    "master": "-roi",
    "drop": "max_drawdown",
    "sharpe": "-sharpe",
    "followers": "-followers",
    "newest": "-created_at",
    "name": "name",
    "fee": "performance_fee_percent",
}


class MarketplaceForm(forms.Form):
    search = forms.CharField(max_length=80, required=False, label=_("Search"))
    risk = forms.ChoiceField(
        choices=[("", _("Any risk")), *Strategy.RiskLevel.choices], required=False, label=_("Risk")
    )
    money = forms.ChoiceField(
        choices=[("", _("Paper and real")), ("paper", _("Paper")), ("real", _("Real money"))],
        required=False,
        label=_("Money"),
    )
    sort = forms.ChoiceField(
        choices=[
            ("median", _("Followers' median")),
            ("master", _("Master's return")),
            ("drop", _("Smallest drop")),
            ("sharpe", _("Sharpe ratio")),
            ("followers", _("Followers")),
            ("newest", _("Newest")),
            ("name", _("Name")),
            ("fee", _("Lowest fee")),
        ],
        required=False,
        label=_("Sort"),
    )
    period = forms.ChoiceField(
        choices=[(value, label) for value, label in Period.choices], required=False, label=_("Figures of")
    )
    exchange = forms.CharField(max_length=32, required=False, label=_("Exchange"))
    symbol = forms.CharField(max_length=32, required=False, label=_("Market, as BTC/USDT"))
    tag = forms.CharField(max_length=30, required=False, label=_("Tag"))
    min_roi = forms.DecimalField(
        required=False, max_digits=9, decimal_places=2, label=_("Return at least, %")
    )
    max_drawdown = forms.DecimalField(
        required=False, min_value=0, max_digits=9, decimal_places=2, label=_("Drop at most, %")
    )
    closed = forms.BooleanField(required=False, label=_("Include closed"))
    view = forms.ChoiceField(choices=[("cards", _("Cards")), ("table", _("Table"))], required=False)

    def chosen(self) -> dict[str, str]:
        """What was understood; the rest falls back to its default and is told beside its field."""
        self.is_valid()
        return {
            name: str(value) for name, value in self.cleaned_data.items() if value not in ("", None, False)
        }


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, and the address without it."""

    label: str
    address: str


def marketplace(request: HttpRequest) -> HttpResponse:
    form = MarketplaceForm(request.GET)
    chosen = form.chosen()
    period = chosen.get("period", PERIOD.value)
    found = _matching(chosen, period).select_related("owner", "exchange_account")
    found = search.ordered(found, ORDERINGS[chosen.get("sort", "median")])
    page = _page(found, request.GET.get("page", "1"))
    context = {
        "form": form,
        "chosen": chosen,
        "page": page,
        "listed": with_figures(page.object_list, period=period),
        "period": period,
        "more": [form[name] for name in MORE],
        "has_more": any(name in chosen for name in MORE),
        "chips": _chips(form, chosen),
        "query": urlencode(chosen),
        "cards_query": urlencode(chosen | {"view": "cards"}),
        "table_query": urlencode(chosen | {"view": "table"}),
    }
    return render(request, "pages/marketplace.html", context)


def _matching(chosen: dict[str, str], period: str) -> StrategyQuerySet:
    found = Strategy.objects.listed()
    if chosen.get("closed"):
        found = Strategy.objects.visible_to(None)
    if words := chosen.get("search"):
        found = search.with_words(found, words)
    if risk := chosen.get("risk"):
        found = found.filter(risk_level=risk)
    if money := chosen.get("money"):
        paper = Q(exchange_account__exchange="paper")
        found = found.filter(paper if money == "paper" else ~paper)
    if exchange := chosen.get("exchange"):
        found = found.filter(exchange_account__exchange=exchange.lower())
    if symbol := chosen.get("symbol"):
        found = found.filter(symbols__contains=[symbol.upper()])
    if tag := chosen.get("tag"):
        found = found.filter(tags__contains=[tag])
    return search.with_figures_of(
        found, period, min_roi=_fraction(chosen, "min_roi"), max_drawdown=_fraction(chosen, "max_drawdown")
    )


def _fraction(chosen: dict[str, str], name: str) -> Decimal | None:
    return Decimal(chosen[name]) / 100 if name in chosen else None


def _page(found: StrategyQuerySet, number: str) -> Page[Strategy]:
    paginator = CappedPaginator(found, PER_PAGE)
    if not number.isdecimal() or not 1 <= int(number) <= paginator.num_pages:
        raise Http404("There is no such page.")
    return paginator.page(int(number))


def _chips(form: MarketplaceForm, chosen: dict[str, str]) -> list[Chip]:
    chips = []
    for name, value in chosen.items():
        if name in ("sort", "view", "period"):
            continue
        field = form.fields[name]
        shown = _label(field, value)
        label = str(field.label) if name == "closed" else f"{field.label}: {shown}"
        chips.append(Chip(label, "?" + urlencode({k: v for k, v in chosen.items() if k != name})))
    return chips


def _label(field: forms.Field, value: str) -> str:
    if not isinstance(field, forms.ChoiceField):
        return value
    labels: dict[str, str] = dict(field.choices)  # type: ignore[arg-type]  # given as pairs above
    return str(labels[value])
