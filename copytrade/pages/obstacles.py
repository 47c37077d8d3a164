"""What keeps a person's copies from being placed, told on every page with the way to where it is solved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from risk.models import KillSwitch, PlatformSwitch, RiskLimits
from strategies.models import Strategy
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount

Status = ExchangeAccount.Status
SWITCHED: dict[str, str | Promise] = {
    KillSwitch.CLOSE_ONLY: gettext_lazy("Your kill switch is on: nothing is bought, exits are still copied."),
    KillSwitch.FREEZE: gettext_lazy(
        "Your kill switch is on freeze: nothing is copied, not even exits. Positions stay exposed."
    ),
}
STOPPED: dict[str, str | Promise] = {
    PlatformSwitch.Mode.CLOSE_ONLY: gettext_lazy(
        "The people who run this platform stopped buying %(where)s; exits are still copied."
    ),
    PlatformSwitch.Mode.FREEZE: gettext_lazy(
        "The people who run this platform stopped copying %(where)s, exits too. Positions stay exposed."
    ),
}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """`link` leads to where something can be done, in the words of `act`."""

    sentence: str
    link: str
    act: str


def obstacles_of(request: HttpRequest) -> list[Obstacle]:
    """None for visitors. Three queries where nothing is in the way, as on nearly every page."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    return [*_switched(user.pk), *_stopped(user.pk), *_accounts(user.pk)]


def _switched(user_id: int) -> Iterator[Obstacle]:
    for switch in RiskLimits.objects.filter(user_id=user_id).values_list("kill_switch", flat=True):
        if switch in SWITCHED:
            yield Obstacle(str(SWITCHED[switch]), reverse("risk"), _("Change the kill switch"))


def _stopped(user_id: int) -> Iterator[Obstacle]:
    """What staff stopped, as far as it concerns this person's copies: mostly nothing, so ask that first."""
    stops = PlatformSwitch.objects.in_force().select_related("strategy").order_by("pk")
    if not stops:
        return
    copies = Subscription.objects.owned_by(user_id).live()
    concerned = set(copies.values_list("strategy", flat=True))
    venues = {"", *copies.values_list("exchange_account__exchange", flat=True)}
    for stop in stops:
        if stop.strategy_id not in concerned if stop.strategy else stop.exchange not in venues:
            continue
        place = stop.strategy.name if stop.strategy else stop.exchange.capitalize()
        where = _("of %(name)s") % {"name": place} if stop.strategy else _("at %(name)s") % {"name": place}
        words = {"where": where if place else _("everywhere")}
        yield Obstacle(str(STOPPED[stop.mode]) % words, reverse("dashboard"), _("See your copies"))


def _accounts(user_id: int) -> Iterator[Obstacle]:
    """Dead keys and silent venues, of the accounts that copies or one's own strategies need."""
    blocked = ExchangeAccount.objects.filter(owner=user_id, status__in=[Status.INVALID, Status.UNREACHABLE])
    for account in blocked.order_by("label", "pk"):
        copying = Subscription.objects.owned_by(user_id).live().filter(exchange_account=account)
        feeding = Strategy.objects.filter(exchange_account=account, status=Strategy.Status.PUBLISHED)
        if not (copying.exists() or feeding.exists()):
            continue
        named = {"label": account.label}
        if account.status == Status.UNREACHABLE:
            sentence = (
                _("The exchange of %(label)s does not answer: copies on it are late or expire.") % named
            )
            yield Obstacle(sentence, reverse("wallet-accounts"), _("Check again"))
            continue
        sentence = _("The exchange refuses the key of %(label)s: nothing can be copied on it.") % named
        if account.is_paper:
            yield Obstacle(sentence, reverse("wallet-accounts"), _("Check again"))
        else:
            link = reverse("wallet-rotate", args=[account.public_id])
            yield Obstacle(sentence, link, _("Replace the key"))
