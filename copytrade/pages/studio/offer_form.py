"""What a master says of a strategy."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.person import signed_in
from copytrade.pages.api_form import ApiForm, whole, words
from exchanges.rounding import plain
from strategies.models import Strategy
from strategies.serializers import StrategySerializer
from wallets.models import ExchangeAccount

NUMBER = forms.TextInput({"inputmode": "decimal", "autocomplete": "off"})


class OfferForm(ApiForm):
    """Of a strategy that exists only what was changed is sent on."""

    serializer_class = StrategySerializer

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Description"),
        max_length=5000,
        required=False,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("What you trade, how long you hold, how much you risk."),
    )
    exchange_account = forms.ChoiceField(label=_("Exchange account"))
    symbols = forms.CharField(
        label=_("Coins"),
        max_length=2000,
        help_text=_("Such as BTC/USDT, ETH/USDT: with commas, and all in one quote coin."),
    )
    risk_level = forms.ChoiceField(
        label=_("Risk"), choices=Strategy.RiskLevel.choices, initial=Strategy.RiskLevel.MEDIUM
    )
    min_capital = forms.CharField(
        label=_("A follower puts in at least"), max_length=40, initial="0", widget=NUMBER
    )
    performance_fee_percent = forms.CharField(
        label=_("Fee on followers' profit, in %"),
        max_length=10,
        initial="0",
        widget=NUMBER,
        help_text=_("At most 50. It cannot rise while somebody follows."),
    )
    max_followers = forms.CharField(
        label=_("At most so many followers"),
        max_length=10,
        required=False,
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
    )
    tags = forms.CharField(
        label=_("Tags"), max_length=400, required=False, help_text=_("At most 10, with commas.")
    )
    visibility = forms.ChoiceField(
        label=_("Who may find it"),
        choices=Strategy.Visibility.choices,
        initial=Strategy.Visibility.PUBLIC,
    )
    positions_visible_to = forms.ChoiceField(
        label=_("Who may see its trades"),
        choices=Strategy.PositionsVisibleTo.choices,
        initial=Strategy.PositionsVisibleTo.EVERYONE,
    )

    def __init__(self, data: Any, *, request: HttpRequest, strategy: Strategy | None = None) -> None:
        self.partial = strategy is not None
        super().__init__(data, request=request, initial=_answers_of(strategy) if strategy else None)
        accounts = ExchangeAccount.objects.connected().owned_by(signed_in(request).pk).order_by("label", "id")
        choices = [(str(account.public_id), account.label) for account in accounts]
        self.fields["exchange_account"].choices = choices  # type: ignore[attr-defined]
        if strategy and strategy.status != Strategy.Status.DRAFT:
            # It stays once published; a choice that can only be refused is none.
            del self.fields["exchange_account"]

    def body(self) -> dict[str, Any]:
        wanted = self.changed_data if self.partial else self.fields
        body: dict[str, Any] = {name: self.cleaned_data[name] for name in wanted}
        for name in ("symbols", "tags"):
            if name in body:
                body[name] = words(body[name])
        if "symbols" in body:
            body["symbols"] = [symbol.upper() for symbol in body["symbols"]]
        if "max_followers" in body:
            body["max_followers"] = whole(body["max_followers"])
        return body


def _answers_of(strategy: Strategy) -> dict[str, Any]:
    return {name: getattr(strategy, name) for name in OfferForm.base_fields} | {
        "exchange_account": str(strategy.exchange_account.public_id),
        "symbols": ", ".join(strategy.symbols),
        "tags": ", ".join(strategy.tags),
        "min_capital": plain(strategy.min_capital),
        "performance_fee_percent": plain(strategy.performance_fee_percent),
        "max_followers": "" if strategy.max_followers is None else str(strategy.max_followers),
    }
