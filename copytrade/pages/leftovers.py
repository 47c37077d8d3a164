"""What copies hold and will not sell: dust, and what ended copies left behind. Not positions any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from copytrade.pages.holdings import Holding
from execution import explain
from execution.models import CopyOrder
from execution.reasons import Reason
from execution.states import Status
from ledger.models import Position
from subscriptions.models import Subscription

BELOW_STEP = _("What was over after the last sale: less than the smallest amount the exchange trades.")
BELOW_MINIMUM = _("Less than the smallest order the exchange takes.")
KEPT = _("You kept it when you stopped copying.")
NOT_SOLD = _("It was not sold when the copy ended.")


@dataclass(frozen=True, slots=True)
class Leftover:
    holding: Holding
    is_dust: bool
    reason: str | Promise


def split(holdings: Sequence[Holding]) -> tuple[list[Holding], list[Leftover]]:
    """Positions, and what is left over. One query, and only where something may be left over."""
    exits = _last_exits([holding.position for holding in holdings if _may_be_left(holding.position)])
    positions, leftovers = [], []
    for holding in holdings:
        position = holding.position
        leftover = _leftover(holding, exits.get((position.subscription_id, position.symbol)))
        if leftover is None:
            positions.append(holding)
        else:
            leftovers.append(leftover)
    return positions, leftovers


def _has_ended(position: Position) -> bool:
    return position.subscription is not None and position.subscription.status == Subscription.Status.CLOSED


def _may_be_left(position: Position) -> bool:
    return _has_ended(position) or not position.target


def _last_exits(positions: Iterable[Position]) -> dict[tuple[int | None, str], CopyOrder]:
    subscription_ids = {position.subscription_id for position in positions}
    if not subscription_ids:
        return {}
    exits = (
        CopyOrder.objects.filter(subscription__in=subscription_ids, kind=CopyOrder.Kind.EXIT)
        .select_related("exchange_account")
        .order_by("subscription_id", "symbol", "-id")
        .distinct("subscription_id", "symbol")
    )
    return {(order.subscription_id, order.symbol): order for order in exits}


def _leftover(holding: Holding, last_exit: CopyOrder | None) -> Leftover | None:
    position = holding.position
    if not _may_be_left(position):
        return None
    # An exit of all sells down to the lot step; its end says whether that is what happened.
    if last_exit is not None and not position.target:
        if last_exit.status == Status.FILLED:
            return Leftover(holding, True, BELOW_STEP)
        if last_exit.reason_code == Reason.BELOW_MINIMUM:
            return Leftover(holding, True, BELOW_MINIMUM)
    if not _has_ended(position):
        return None
    return Leftover(holding, False, _why_still_there(position, last_exit))


def _why_still_there(position: Position, last_exit: CopyOrder | None) -> str | Promise:
    subscription = position.subscription
    if subscription and subscription.on_unsubscribe == Subscription.OnUnsubscribe.KEEP:
        return KEPT
    return (last_exit and explain.reason_sentence(last_exit)) or NOT_SOLD
