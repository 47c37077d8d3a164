"""What keeps a person's copies from being placed, told on every page."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from risk.models import KillSwitch, RiskLimits
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount

SWITCHED: dict[str, str | Promise] = {
    KillSwitch.CLOSE_ONLY: gettext_lazy("Your kill switch is on: nothing is bought, exits are still copied."),
    KillSwitch.FREEZE: gettext_lazy(
        "Your kill switch is on freeze: nothing is copied, not even exits. Positions stay exposed."
    ),
}


def obstacles_of(request: HttpRequest) -> list[str]:
    """One sentence each; none for visitors. Two queries."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    switches = RiskLimits.objects.filter(user_id=user.pk).values_list("kill_switch", flat=True)
    sentences = [str(SWITCHED[switch]) for switch in switches if switch in SWITCHED]
    copying = Subscription.objects.owned_by(user.pk).live().values("exchange_account")
    refused = ExchangeAccount.objects.filter(pk__in=copying, status=ExchangeAccount.Status.INVALID)
    return sentences + [
        _("The exchange refuses the key of %(label)s: nothing can be copied on it.") % {"label": label}
        for label in refused.order_by("label").values_list("label", flat=True)
    ]
