"""What may be changed of a running copy."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from copytrade.pages.api_form import ApiForm, whole, words
from exchanges.rounding import plain
from subscriptions.models import Subscription
from subscriptions.serializers import SubscriptionChangeSerializer

SIZING = ("sizing_mode", "sizing_value")
NUMBER = forms.TextInput({"inputmode": "decimal", "autocomplete": "off"})


class CopyForm(ApiForm):
    """Only what was changed is sent on: what stands still is not checked anew."""

    serializer_class = SubscriptionChangeSerializer
    field_of = {"sizing": "sizing_value"}

    allocation = forms.CharField(
        label=_("Allocation"),
        max_length=40,
        widget=NUMBER,
        help_text=_("The copy never spends more than this. Less is possible as far as it is not in use."),
    )
    sizing_mode = forms.ChoiceField(label=_("Size of each copy"), choices=Subscription.SizingMode.choices)
    sizing_value = forms.CharField(label=_("Factor, or fixed amount"), max_length=40, widget=NUMBER)
    max_slippage_bps = forms.CharField(
        label=_("At most worse than the master's price, in bps"),
        max_length=6,
        required=False,
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
        help_text=_("30 bps are 0.30 %. Empty: 30 for BTC and ETH, 50 for other coins."),
    )
    stop_loss_percent = forms.CharField(
        label=_("Stop-loss, in % of the allocation"),
        max_length=10,
        required=False,
        widget=NUMBER,
        help_text=_("After a loss of so much the copy is paused and what it holds is sold."),
    )
    take_profit_percent = forms.CharField(
        label=_("Take-profit, in % of the allocation"), max_length=10, required=False, widget=NUMBER
    )
    on_master_lost = forms.ChoiceField(
        label=_("When the master is not heard of"), choices=Subscription.OnMasterLost.choices
    )
    symbols_blocked = forms.CharField(
        label=_("Do not copy these coins"),
        max_length=2000,
        required=False,
        help_text=_("Such as DOGE/USDT, with commas. Exits are copied all the same."),
    )

    master_may_change = forms.BooleanField(
        label=_("The master may change this copy"),
        required=False,
        help_text=_(
            "With your group: pause, resume what they paused, sizes and limits. Never the allocation."
        ),
    )

    def __init__(self, data: Any, *, request: HttpRequest, subscription: Subscription) -> None:
        initial = {name: getattr(subscription, name) for name in self.base_fields}
        initial |= {name: plain(initial[name]) for name in ("allocation", "sizing_value")}
        for name in ("stop_loss_percent", "take_profit_percent"):
            initial[name] = "" if initial[name] is None else plain(initial[name])
        bps = subscription.max_slippage_bps
        initial["max_slippage_bps"] = "" if bps is None else str(bps)
        initial["symbols_blocked"] = ", ".join(subscription.symbols_blocked)
        super().__init__(data, request=request, initial=initial)
        if subscription.invite_id is None:
            # Masters have groups of those whom they invited only.
            del self.fields["master_may_change"]

    def body(self) -> dict[str, Any]:
        changed, cleaned = set(self.changed_data), self.cleaned_data
        body: dict[str, Any] = {
            name: cleaned[name] or None
            for name in ("allocation", "stop_loss_percent", "take_profit_percent", "on_master_lost")
            if name in changed
        }
        if "master_may_change" in changed:
            body["master_may_change"] = cleaned["master_may_change"]
        if "max_slippage_bps" in changed:
            body["max_slippage_bps"] = whole(cleaned["max_slippage_bps"])
        if "symbols_blocked" in changed:
            body["symbols_blocked"] = [word.upper() for word in words(cleaned["symbols_blocked"])]
        if changed & set(SIZING):
            body["sizing"] = {"mode": cleaned["sizing_mode"], "value": cleaned["sizing_value"]}
        return body
