"""/strategies/: whom to look at."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from copytrade.pages.listing import with_figures
from strategies.models import Strategy, StrategyQuerySet
from subscriptions.models import Subscription

PER_PAGE = 24
ORDERINGS = {
    "followers": (F("followers").desc(), F("published_at").desc(nulls_last=True), "id"),
    "newest": (F("published_at").desc(nulls_last=True), "id"),
    "name": ("name", "id"),
    "fee": ("performance_fee_percent", "id"),
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
            ("followers", _("Followers")),
            ("newest", _("Newest")),
            ("name", _("Name")),
            ("fee", _("Lowest fee")),
        ],
        required=False,
        label=_("Sort"),
    )
    closed = forms.BooleanField(required=False, label=_("Include closed"))
    view = forms.ChoiceField(choices=[("cards", _("Cards")), ("table", _("Table"))], required=False)

    def chosen(self) -> dict[str, str]:
        """What was understood; the rest falls back to its default and is told beside its field."""
        self.is_valid()
        return {name: str(value) for name, value in self.cleaned_data.items() if value}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, and the address without it."""

    label: str
    address: str


def marketplace(request: HttpRequest) -> HttpResponse:
    form = MarketplaceForm(request.GET)
    chosen = form.chosen()
    ordering = ORDERINGS[chosen.get("sort", "followers")]
    found = _matching(chosen).order_by(*ordering).select_related("owner", "exchange_account")
    page = _page(found, request.GET.get("page", "1"))
    context = {
        "form": form,
        "chosen": chosen,
        "page": page,
        "listed": with_figures(page.object_list),
        "chips": _chips(form, chosen),
        "query": urlencode(chosen),
        "cards_query": urlencode(chosen | {"view": "cards"}),
        "table_query": urlencode(chosen | {"view": "table"}),
    }
    return render(request, "pages/marketplace.html", context)


def with_followers(strategies: StrategyQuerySet) -> StrategyQuerySet:
    """With the number of live copies of others."""
    counted = (
        Subscription.objects.live()
        .filter(strategy=OuterRef("pk"), own=False)
        .order_by()
        .values("strategy")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return strategies.annotate(followers=Coalesce(Subquery(counted), 0))


def _matching(chosen: dict[str, str]) -> StrategyQuerySet:
    found = Strategy.objects.listed()
    if chosen.get("closed"):
        found = Strategy.objects.visible_to(None)
    if words := chosen.get("search"):
        found = found.filter(
            Q(name__icontains=words)
            | Q(owner__display_name__icontains=words)
            | Q(symbols__icontains=words)
            | Q(tags__icontains=words)
        )
    if risk := chosen.get("risk"):
        found = found.filter(risk_level=risk)
    if money := chosen.get("money"):
        paper = Q(exchange_account__exchange="paper")
        found = found.filter(paper if money == "paper" else ~paper)
    return with_followers(found)


def _page(found: StrategyQuerySet, number: str) -> Page[Strategy]:
    paginator = Paginator(found, PER_PAGE)
    if not number.isdecimal() or not 1 <= int(number) <= paginator.num_pages:
        raise Http404("There is no such page.")
    return paginator.page(int(number))


def _chips(form: MarketplaceForm, chosen: dict[str, str]) -> list[Chip]:
    chips = []
    for name, value in chosen.items():
        if name in ("sort", "view"):
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
