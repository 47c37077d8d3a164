"""Coins that left a copy's account without an order of ours: sub-positions shrink, as entries of their own.

Nothing is ever bought back. What left counts as given back to its owner at what it had cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_DOWN, Decimal, localcontext

from exchanges.rounding import EXACT
from ledger.booking import SubPosition
from ledger.models import Adjustment, Posting
from subscriptions.relations import Relation

PLACES = Decimal(1).scaleb(-18)
ZERO = Decimal(0)


def shares(missing: Decimal, held: Sequence[Decimal]) -> list[Decimal]:
    """What each sub-position loses of what is missing: in proportion, and never more than it holds."""
    with localcontext(EXACT):
        total = sum(held, ZERO)
        missing = min(missing, total)
        if not missing:
            return [ZERO for _ in held]
        parts = [(missing * one / total).quantize(PLACES, ROUND_DOWN) for one in held]
        rest = missing - sum(parts, ZERO)
        for number, one in enumerate(held):
            more = min(rest, one - parts[number])
            parts[number] += more
            rest -= more
        return parts


def shrink(
    *,
    account_id: int,
    missing: Decimal,
    cause: str,
    positions: Sequence[SubPosition],
    relations: Mapping[int, Relation],
    now: datetime,
) -> list[Adjustment]:
    """Take the missing coins off these sub-positions of one coin, in memory, and write the entries.

    The caller holds the subscriptions' locks and writes positions and money.
    """
    adjustments = []
    with localcontext(EXACT):
        for position, part in zip(positions, shares(missing, [row.held for row in positions]), strict=True):
            if part:
                relation = relations[position.subscription_id or 0]
                adjustments.append(_take(position, relation, part, account_id, cause, now))
    return adjustments


def _take(
    position: SubPosition, relation: Relation, part: Decimal, account_id: int, cause: str, now: datetime
) -> Adjustment:
    base, _, quote = position.symbol.partition("/")
    cost = (position.cost * part / position.held).quantize(PLACES, ROUND_DOWN)
    cost = position.cost if part == position.held else cost
    position.held -= part
    position.cost -= cost
    # What is gone is not wanted any more either: it is never bought back.
    position.target = max(ZERO, position.target - part)
    relation.cash += cost
    adjustment = Adjustment.objects.create(
        subscription_id=relation.id,
        exchange_account_id=account_id,
        symbol=position.symbol,
        cause=cause,
        asset=base,
        amount=part,
        cost=cost,
        at=now,
    )
    owner, own = f"subscription:{relation.id}", f"account:{account_id}:unallocated"
    moves = [(f"{owner}:position", own, part, base), (own, f"{owner}:cash", cost, quote)]
    Posting.objects.bulk_create(
        Posting(adjustment=adjustment, source=source, destination=destination, amount=amount, asset=asset)
        for source, destination, amount, asset in moves
        if amount
    )
    return adjustment
