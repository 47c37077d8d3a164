"""A signal as a master writes it by hand."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from copytrade.pages.api_form import ApiForm
from execution.serializers import SignalSerializer
from execution.services import Request
from strategies.models import Strategy

NUMBER = forms.TextInput({"inputmode": "decimal", "autocomplete": "off"})


class SignalForm(ApiForm):
    """Its id makes a second press of the button the same signal."""

    serializer_class = SignalSerializer

    client_signal_id = forms.CharField(max_length=64, widget=forms.HiddenInput)
    symbol = forms.ChoiceField(label=_("Coin"))
    side = forms.ChoiceField(label=_("Side"), choices=[("buy", _("Buy")), ("sell", _("Sell"))])
    type = forms.ChoiceField(
        label=_("Order"), choices=[("market", _("At the market")), ("limit", _("At my price, or better"))]
    )
    amount = forms.CharField(label=_("Amount of the coin"), max_length=40, widget=NUMBER)
    price = forms.CharField(label=_("Price, of a limit order"), max_length=40, required=False, widget=NUMBER)

    def __init__(self, data: Any, *, request: HttpRequest, strategy: Strategy) -> None:
        super().__init__(data, request=request, initial={"client_signal_id": f"page-{uuid4()}"})
        self.fields["symbol"].choices = [(s, s) for s in strategy.symbols]  # type: ignore[attr-defined]

    def body(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value}

    def wanted(self) -> Request:
        return Request(**{"price": None, **self.given})
