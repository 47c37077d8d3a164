"""Routes of this app."""

from collections.abc import Callable

from django.urls import URLPattern, path

from wallets.address_api import (
    ConfirmAddressView,
    SendCodeView,
    WalletAddressesView,
    WalletAddressView,
)
from wallets.api import (
    ExchangeAccountsView,
    ExchangeAccountView,
    RotateExchangeAccountView,
    ValidateExchangeAccountView,
)


def api_urlpatterns(*, is_in_use: Callable[[int], bool]) -> list[URLPattern]:
    """`is_in_use(account id)`: whether anything above needs the account; wallets cannot know it."""
    one = "wallets/exchange-accounts/<uuid:account_id>/"
    address = "wallets/addresses/<uuid:address_id>/"
    return [
        path("wallets/addresses/", WalletAddressesView.as_view(), name="api-wallet-addresses"),
        path(address, WalletAddressView.as_view(), name="api-wallet-address"),
        path(f"{address}confirm/", ConfirmAddressView.as_view(), name="api-wallet-address-confirm"),
        path(f"{address}send-code/", SendCodeView.as_view(), name="api-wallet-address-send-code"),
        path("wallets/exchange-accounts/", ExchangeAccountsView.as_view(), name="api-exchange-accounts"),
        path(one, ExchangeAccountView.as_view(is_in_use=is_in_use), name="api-exchange-account"),
        path(f"{one}validate/", ValidateExchangeAccountView.as_view(), name="api-exchange-account-validate"),
        path(f"{one}rotate/", RotateExchangeAccountView.as_view(), name="api-exchange-account-rotate"),
    ]
