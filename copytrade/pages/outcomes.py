"""What became of the copies of a signal: every follower is in exactly one outcome, the API's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from execution.models import CopyOrderQuerySet
from execution.outcomes import outcome_counts
from execution.states import LIVE, Status


@dataclass(frozen=True, slots=True)
class Outcome:
    """Its key in the API, its word in a sentence, and its colour in a bar."""

    key: str
    word: str | Promise
    tone: str


OUTCOMES = (
    Outcome("copied", _("copied"), "good"),
    Outcome("skipped", _("skipped"), "rule"),
    Outcome("denied", _("denied"), "limit"),
    Outcome("rejected", _("rejected"), "bad"),
    Outcome("expired", _("expired"), "rule"),
    Outcome("open", _("open"), "wait"),
)


def outcome_key(*, status: str, filled: bool) -> str:
    """The outcome of one order. What was canceled unfilled stood against the follower's own price limit."""
    if status in LIVE:
        return "open"
    if filled:
        return "copied"
    return "skipped" if status in (Status.CANCELED, Status.FILLED) else status


@dataclass(frozen=True, slots=True)
class Slice:
    """One outcome's share of a bar that is 100 wide."""

    outcome: Outcome
    count: int
    start: Decimal
    width: Decimal


@dataclass(frozen=True, slots=True)
class Tally:
    """How many copies ended how."""

    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def undecided(self) -> int:
        return self.counts.get("open", 0)

    @property
    def slices(self) -> list[Slice]:
        shares, start = [], Decimal(0)
        for outcome in OUTCOMES:
            if count := self.counts.get(outcome.key, 0):
                width = Decimal(100 * count) / self.total
                shares.append(Slice(outcome, count, start, width))
                start += width
        return shares


def tallies_of_signals(signal_ids: Sequence[int]) -> dict[int, Tally]:
    """One query for any number of signals."""
    return {signal_id: Tally(counts) for signal_id, counts in outcome_counts(signal_ids).items()}


def tally_of(orders: CopyOrderQuerySet) -> Tally:
    """One query; the orders are of different signals."""
    counts: Counter[str] = Counter()
    rows = (
        orders.order_by()
        .annotate(filled=Q(filled_amount__gt=0))
        .values_list("status", "filled")
        .annotate(Count("id"))
    )
    for status, filled, count in rows:
        counts[outcome_key(status=status, filled=filled)] += count
    return Tally(counts)
