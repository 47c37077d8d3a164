"""What the pages of wallets ask for. The rules are those of the API."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy
from rest_framework.serializers import BaseSerializer

from exchanges.venues import VENUES
from wallets.address_serializers import NETWORK_CHOICES, AddAddressSerializer
from wallets.models import WalletAddress
from wallets.serializers import ConnectSerializer, KeysSerializer, PaperSerializer, RenameSerializer

VENUE_NAMES = {"okx": "OKX", "kucoin": "KuCoin"}
LIVE_VENUES = [
    (name, VENUE_NAMES.get(name, name.capitalize()))
    for name, venue in VENUES.items()
    if name != "paper" and not venue.not_supported_because
]
AS_TYPED = {"autocomplete": "off", "spellcheck": "false"}
SECRET = forms.PasswordInput(attrs=AS_TYPED)


class ByTheApi(forms.Form):
    """Each field is taken as the API's serializer takes it."""

    serializer: type[BaseSerializer[Any]]

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data
        # What was left empty was not given.
        given = {name: value for name, value in self.cleaned_data.items() if value != ""}
        bound: Any = self.serializer(data=given)
        if bound.is_valid():
            return dict(bound.validated_data)
        for name, errors in bound.errors.items():
            self.add_error(name if name in self.fields else None, [str(error) for error in errors])
        return self.cleaned_data


class KeysForm(ByTheApi):
    serializer = KeysSerializer
    api_key = forms.CharField(label=gettext_lazy("API key"), max_length=5000, widget=SECRET)
    secret = forms.CharField(label=gettext_lazy("Secret"), max_length=5000, widget=SECRET)
    password = forms.CharField(
        label=gettext_lazy("Passphrase"),
        max_length=5000,
        required=False,
        widget=SECRET,
        help_text=gettext_lazy("Only where the exchange asks for one when the key is made, as OKX does."),
    )


class ConnectForm(KeysForm):
    serializer = ConnectSerializer
    exchange = forms.ChoiceField(label=gettext_lazy("Exchange"), choices=LIVE_VENUES)
    label = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("What you call this account, such as Main."),
    )
    field_order = ("exchange", "label", "api_key", "secret", "password")


class PaperForm(ByTheApi):
    serializer = PaperSerializer
    exchange = forms.CharField(widget=forms.HiddenInput, initial="paper")
    label = forms.CharField(label=gettext_lazy("Name"), max_length=80, initial=gettext_lazy("Practice"))
    balance = forms.CharField(
        label=gettext_lazy("Play money, in USDT"),
        max_length=40,
        initial="10000",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )


class RenameForm(ByTheApi):
    serializer = RenameSerializer
    label = forms.CharField(label=gettext_lazy("Name"), max_length=80)


class AddressForm(ByTheApi):
    serializer = AddAddressSerializer
    direction = forms.ChoiceField(
        label=gettext_lazy("What for"),
        choices=[
            (WalletAddress.Direction.DEPOSIT, gettext_lazy("Deposits: the address is at the exchange")),
            (WalletAddress.Direction.WITHDRAWAL, gettext_lazy("Withdrawals: the address is mine")),
        ],
    )
    exchange = forms.CharField(
        label=gettext_lazy("Exchange"),
        max_length=32,
        initial="binance",
        help_text=gettext_lazy("By its short name, such as binance, okx or kraken."),
    )
    network = forms.ChoiceField(label=gettext_lazy("Network"), choices=NETWORK_CHOICES)
    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=1000,
        strip=False,
        widget=forms.TextInput(attrs=AS_TYPED | {"autocapitalize": "none"}),
    )
    memo = forms.CharField(
        label=gettext_lazy("Memo, tag or comment"),
        max_length=1000,
        required=False,
        help_text=gettext_lazy("XRP, Stellar and TON deposits at an exchange need the one that it shows."),
    )
    label = forms.CharField(label=gettext_lazy("Name"), max_length=80)

    def clean_exchange(self) -> str:
        return str(self.cleaned_data["exchange"]).strip().lower()


def all_errors(form: forms.Form) -> str:
    """One sentence for a form that has no page of its own."""
    return " ".join(str(error) for errors in form.errors.values() for error in errors)
