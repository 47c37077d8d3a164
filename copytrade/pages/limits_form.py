"""The page asks for exactly the limits that the API takes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from copytrade.pages.api_form import ApiForm, whole, words
from exchanges.rounding import plain
from rest.fields import WholeNumber
from risk.checks import Limits
from risk.serializers import LimitsSerializer
from risk.services import Wanted

# Which limits there are is told by the serializer; these are its fields' names for people.
LABELS: dict[str, str | Promise] = {
    "currency": _("Amounts are in"),
    "max_order_notional": _("One order, at most"),
    "max_open_notional": _("All that is open, at most"),
    "max_daily_loss": _("Loss in a day, at most"),
    "max_slippage_bps": _("Worse than the master's price, at most, in bps"),
    "max_open_positions": _("Open positions, at most"),
    "max_orders_per_day": _("Orders in a day, at most"),
    "symbols_allowed": _("Only these coins"),
    "symbols_blocked": _("Never these coins"),
    "oversize": _("An order above a limit is"),
}
HELP: dict[str, str | Promise] = {
    "symbols_allowed": _("Such as BTC/USDT, with commas; empty: all."),
    "symbols_blocked": _("Such as DOGE/USDT, with commas."),
}


class LimitsForm(ApiForm):
    """All limits at once, as a PUT has them; empty is no limit. The switch has a form of its own."""

    serializer_class = LimitsSerializer

    def __init__(self, data: Any, *, request: HttpRequest, limits: Limits, prefix: str | None = None) -> None:
        self.kinds = {
            name: field for name, field in LimitsSerializer().fields.items() if name != "kill_switch"
        }
        initial = {name: _text(getattr(limits, name)) for name in self.kinds}
        super().__init__(data, request=request, initial=initial, prefix=prefix)
        self.fields |= {name: _asked(name, field) for name, field in self.kinds.items()}
        self.limits = limits

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"kill_switch": self.limits.kill_switch}
        for name, kind in self.kinds.items():
            answer = self.cleaned_data[name]
            if isinstance(kind, serializers.ListField):
                body[name] = [word.upper() for word in words(answer)]
            else:
                body[name] = whole(answer) if isinstance(kind, WholeNumber) else answer or None
        return body

    def wanted(self) -> Wanted:
        return Wanted(**{name: value for name, value in self.given.items() if value is not None})


def _asked(name: str, kind: serializers.Field[Any, Any, Any, Any]) -> forms.Field:
    label: Any = LABELS.get(name, name.replace("_", " ").capitalize())
    help_text: Any = HELP.get(name, "")
    if isinstance(kind, serializers.ChoiceField):
        return forms.ChoiceField(label=label, choices=list(kind.choices.items()))
    widget = forms.TextInput({"autocomplete": "off"})
    if not isinstance(kind, serializers.ListField):
        widget.attrs["inputmode"] = "numeric" if isinstance(kind, WholeNumber) else "decimal"
    return forms.CharField(label=label, help_text=help_text, required=False, max_length=2000, widget=widget)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(value)
    return plain(value) if hasattr(value, "as_tuple") else str(value)
