"""Routes of this app."""

from collections.abc import Callable

from django.urls import URLPattern, path

from wallets.api import (
    ExchangeAccountsView,
    ExchangeAccountView,
    RotateExchangeAccountView,
    ValidateExchangeAccountView,
)


def api_urlpatterns(*, is_in_use: Callable[[int], bool]) -> list[URLPattern]:
    """`is_in_use(account id)`: whether anything above needs the account; wallets cannot know it."""
    one = "wallets/exchange-accounts/<uuid:account_id>/"
    return [
        path("wallets/exchange-accounts/", ExchangeAccountsView.as_view(), name="api-exchange-accounts"),
        path(one, ExchangeAccountView.as_view(is_in_use=is_in_use), name="api-exchange-account"),
        path(f"{one}validate/", ValidateExchangeAccountView.as_view(), name="api-exchange-account-validate"),
        path(f"{one}rotate/", RotateExchangeAccountView.as_view(), name="api-exchange-account-rotate"),
    ]
