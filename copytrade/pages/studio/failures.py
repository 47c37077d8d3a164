"""Why copies failed, and what the master could change about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from execution.explain import sentence_of
from execution.models import CopyOrder, CopyOrderQuerySet
from execution.reasons import Reason
from execution.states import LIVE

THEIR_CHOICE = _("Nothing: it is the follower's own choice.")
THEIR_VENUE = _("Nothing: it lies with the follower's exchange or key.")
ADVICE: Mapping[str, str | Promise] = {
    Reason.BELOW_MINIMUM: _("Ask for more capital, or trade a larger part of your account at once."),
    Reason.ALLOCATION_USED: _("Spend a smaller part of your account on each trade, or keep some money free."),
    Reason.BEYOND_SLIPPAGE: _("Trade coins with deeper books, or buy in smaller pieces."),
    Reason.SYMBOL_NOT_LISTED: _("Choose coins that more exchanges trade."),
    Reason.SYMBOL_DROPPED: _("You took the coin off the strategy; its copies can only be sold."),
    Reason.MASTER_EQUITY_UNKNOWN: _("Check your own exchange account: what it is worth could not be read."),
    Reason.MASTER_LOST: _("Check your own exchange account and its key."),
    Reason.MASTER_MOVED_COINS: _("Leave the strategy's coins on the account."),
    Reason.OVERTAKEN_BY_EXIT: _("Leave more time between buying and selling."),
    Reason.PAUSED: THEIR_CHOICE,
    Reason.CLOSING: THEIR_CHOICE,
    Reason.SYMBOL_BLOCKED: THEIR_CHOICE,
    Reason.SYMBOLS_BLOCKED: THEIR_CHOICE,
    Reason.KILL_SWITCH: THEIR_CHOICE,
    Reason.MAX_ORDER_NOTIONAL: THEIR_CHOICE,
    Reason.MAX_OPEN_NOTIONAL: THEIR_CHOICE,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """`sentence` as the follower reads it."""

    sentence: str
    count: int
    advice: str | Promise


@dataclass(frozen=True, slots=True)
class Failures:
    """Of all copies of a time, ended or not, those that ended without a fill."""

    copies: int
    by_reason: tuple[Failure, ...]

    @property
    def count(self) -> int:
        return sum(failure.count for failure in self.by_reason)


def failures_of(strategy_ids: Sequence[int], *, since: datetime) -> Failures:
    """Two queries. The master's own copies are not counted."""
    copies = CopyOrder.objects.filter(
        strategy__in=strategy_ids,
        origin=CopyOrder.Origin.SIGNAL,
        part=1,
        subscription__own=False,
        created_at__gte=since,
    )
    return Failures(copies=copies.count(), by_reason=tuple(_by_reason(copies)))


def _by_reason(copies: CopyOrderQuerySet) -> list[Failure]:
    failed = copies.filter(~Q(status__in=LIVE), filled_amount=0).exclude(reason_code="")
    rows = failed.order_by().values_list("reason_code").annotate(n=Count("pk")).order_by("-n", "reason_code")
    return [Failure(sentence_of(code), n, ADVICE.get(code, THEIR_VENUE)) for code, n in rows]
