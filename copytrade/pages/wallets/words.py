"""What went wrong with an exchange account, and what to do, in sentences."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exchanges.errors import VenueNotSupported
from wallets import services
from wallets.models import ExchangeAccount

REFUSALS = (services.CannotConnect, VenueNotSupported)
CAN_WITHDRAW = gettext_lazy(
    "This key can withdraw money, so we did not store it. Make one with withdrawals off and paste it here. "
    "Delete the old one: it has been typed into a website."
)
SENTENCES: dict[type[Exception], str | Promise] = {
    services.WithdrawalEnabled: CAN_WITHDRAW,
    services.InvalidCredentials: gettext_lazy(
        "The exchange does not know this key and secret. Copy both anew, and look whether the key is bound "
        "to another address than ours."
    ),
    services.ExchangeUnavailable: gettext_lazy(
        "The exchange did not answer, so nothing was stored. Try again in a minute."
    ),
    services.AlreadyConnected: gettext_lazy("This account of the exchange is connected already."),
    services.TooManyAccounts: gettext_lazy("You have as many accounts as one may: disconnect one first."),
    services.OtherVenueAccount: gettext_lazy(
        "These keys belong to another account of the exchange. Connect that one on its own."
    ),
}
# Of the account's stored reason.
TO_DO: dict[str, str | Promise] = {
    "invalid_credentials": gettext_lazy(
        "The exchange refuses this key: it was deleted, has expired or is bound to another address. Make a "
        "new one and put it in the old one's place."
    ),
    "withdrawal_enabled": gettext_lazy(
        "This key can withdraw money now, so we do not use it any more. Delete it at the exchange, make one "
        "with withdrawals off and put it in the old one's place."
    ),
    services.READS_ONLY: gettext_lazy(
        "This key can read but not trade, so nothing can be copied with it. Allow spot trading at the "
        "exchange and check again."
    ),
    "keys_not_opened": gettext_lazy("This key cannot be opened any more here. Put a new one in its place."),
    "exchange_unavailable": gettext_lazy(
        "The exchange did not answer the last check. We ask again; there is nothing to do for you."
    ),
}


def refusal(error: Exception) -> str:
    """Of one of REFUSALS."""
    if isinstance(error, VenueNotSupported):
        return _("Live copying is not offered on this exchange: %(why)s.") % {"why": error.text}
    return next(str(text) for kind, text in SENTENCES.items() if isinstance(error, kind))


def what_to_do(account: ExchangeAccount) -> str:
    """Empty where all is well."""
    return str(TO_DO.get(account.status_reason, account.status_reason))
