"""What became of the copies of a signal: every follower is in exactly one outcome."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from execution.models import CopyOrder, CopyOrderQuerySet
from execution.states import Status


@dataclass(frozen=True, slots=True)
class Outcome:
    """One kind of ending: its key, its word in a sentence, and its colour in a bar."""

    key: str
    word: str | Promise
    tone: str


COPIED = Outcome("copied", _("copied"), "good")
PARTLY = Outcome("partly", _("partly copied"), "good")
OPEN = Outcome("open", _("open"), "wait")
CHECKING = Outcome("checking", _("checking"), "limit")
UNFILLED = Outcome("unfilled", _("not filled"), "rule")
SKIPPED = Outcome("skipped", _("skipped"), "rule")
DENIED = Outcome("denied", _("denied"), "limit")
REJECTED = Outcome("rejected", _("rejected"), "bad")
EXPIRED = Outcome("expired", _("expired"), "rule")
ALL = (COPIED, PARTLY, OPEN, CHECKING, UNFILLED, SKIPPED, DENIED, REJECTED, EXPIRED)
_ENDINGS = {
    Status.FILLED: COPIED,
    Status.PARTIALLY_FILLED: OPEN,
    Status.UNKNOWN: CHECKING,
    Status.SKIPPED: SKIPPED,
    Status.DENIED: DENIED,
    Status.REJECTED: REJECTED,
    Status.EXPIRED: EXPIRED,
}


def outcome_of(*, status: str, filled: bool) -> Outcome:
    if status == Status.CANCELED:
        return PARTLY if filled else UNFILLED
    return _ENDINGS.get(Status(status), OPEN)


@dataclass(frozen=True, slots=True)
class Slice:
    """One outcome's share of a bar that is 100 wide."""

    outcome: Outcome
    count: int
    start: Decimal
    width: Decimal


class Tally:
    """How many copies ended how. Adds up to `total` by construction."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = defaultdict(int)

    def add(self, *, status: str, filled: bool, count: int) -> None:
        self._counts[outcome_of(status=status, filled=filled).key] += count

    @property
    def total(self) -> int:
        return sum(self._counts.values())

    @property
    def copied(self) -> int:
        return self._counts["copied"] + self._counts["partly"]

    @property
    def undecided(self) -> int:
        return self._counts["open"] + self._counts["checking"]

    @property
    def slices(self) -> list[Slice]:
        shares, start = [], Decimal(0)
        for outcome in ALL:
            if count := self._counts[outcome.key]:
                width = Decimal(100 * count) / self.total
                shares.append(Slice(outcome, count, start, width))
                start += width
        return shares


def tallies_of_signals(signal_ids: Sequence[int]) -> dict[int, Tally]:
    """One query for any number of signals."""
    orders = CopyOrder.objects.filter(signal_id__in=signal_ids, subscription__isnull=False, part=1)
    tallies = {signal_id: Tally() for signal_id in signal_ids}
    for row in _counted(orders, "signal_id"):
        tallies[row[0]].add(status=row[1], filled=row[2], count=row[3])
    return tallies


def tally_of(orders: CopyOrderQuerySet) -> Tally:
    tally = Tally()
    for _strategy, status, filled, count in _counted(orders, "strategy_id"):
        tally.add(status=status, filled=filled, count=count)
    return tally


def _counted(orders: CopyOrderQuerySet, key: str) -> Iterable[tuple[int, str, bool, int]]:
    return (
        orders.order_by()
        .annotate(filled=Q(filled_amount__gt=0))
        .values_list(key, "status", "filled")
        .annotate(Count("id"))
    )
