"""Corrections: a trade that should not be in the books is taken back by another, and both stay.

The position becomes what it would be without the trade. What its later sales have then made more or less is
the reversal's result, so that results that were told stay as they were told.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, localcontext
from uuid import UUID

from django.db import transaction

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from exchanges.rounding import EXACT
from ledger import telling
from ledger.bills.correcting import correct_bills
from ledger.booking import PositionKey, SubPosition, positions_for, write_positions
from ledger.models import Posting, Trade
from ledger.pnl import ZERO, Booked, Holding
from ledger.recounting import OTHER_SIDE, Oversold, recounted, taken_back_of, taking_back
from strategies.services import lock_strategy
from subscriptions.relations import Relation, lock_relations, write_money

LONGEST_REASON = 200


class NotReversible(Exception):
    """This trade cannot be taken back; the text says why."""


def reverse_trade(*, trade_id: UUID, reason: str, origin: Origin, now: datetime) -> Trade:
    """Book the reversal with its postings, the position and the cash, and tell its owner; return it."""
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise NotReversible(f"A reversal needs a reason of at most {LONGEST_REASON} characters.")
    with localcontext(EXACT), transaction.atomic(durable=True):
        trade = Trade.objects.filter(public_id=trade_id).first()
        if trade is None:
            raise NotReversible("There is no such trade.")
        relation = _lock_owner(trade)
        position = positions_for([_key(trade)])[_key(trade)]
        booked = _booked(trade, position)
        reversal = _write(trade, booked, reason.strip(), now)
        coins_change = booked.holding.held - position.held
        _apply(booked, position, relation)
        write_positions([position], now=now)
        write_money([relation] if relation else [])
        telling.taken_back(trade, reversal, now=now)
        correct_bills(reversal=reversal, cash_change=booked.cash_change, coins_change=coins_change, now=now)
        audit.record(
            Action.TRADE_REVERSE,
            origin=origin,
            object=f"trade {trade.public_id}",
            detail={"reversal": str(reversal.public_id), "reason": reversal.reason},
        )
    return reversal


def _key(trade: Trade) -> PositionKey:
    return (trade.strategy_id, trade.subscription_id, trade.symbol)


def _lock_owner(trade: Trade) -> Relation | None:
    """As whoever books fills does: the subscription, or the strategy of a master's own."""
    if trade.subscription_id:
        return lock_relations([trade.subscription_id])[trade.subscription_id]
    lock_strategy(trade.strategy_id)
    return None


def _booked(trade: Trade, position: SubPosition) -> Booked:
    """What taking it back does, from the books as they are under the lock."""
    key, taken_back = _key(trade), taken_back_of(_key(trade))
    if trade.reverses_id:
        raise NotReversible("A reversal is not reversed: what was right after all is booked anew.")
    if trade.pk in taken_back:
        raise NotReversible("This trade is reversed already.")
    before = recounted(key, taken_back=taken_back)
    if before != Holding(position.held, position.cost, position.realised_pnl, position.fees):
        raise NotReversible("The books of this position are miscounted: check_books tells how.")
    try:
        # A master may sell coins that the strategy never bought; a copy may not.
        is_copy = trade.subscription_id is not None
        after = recounted(key, taken_back=taken_back | {trade.pk}, strict=is_copy)
    except Oversold:
        raise NotReversible("Its coins were sold or have left since: reverse the later sale first.") from None
    return taking_back(trade, before=before, after=after)


def _apply(booked: Booked, position: SubPosition, relation: Relation | None) -> None:
    holding = booked.holding
    # Else the next trade would buy or sell what was taken back.
    position.target = max(ZERO, position.target + holding.held - position.held)
    position.held, position.cost = holding.held, holding.cost
    position.realised_pnl, position.fees = holding.realised_pnl, holding.fees
    if relation:
        relation.cash += booked.cash_change
        relation.realised_pnl += booked.realised_pnl


def _write(trade: Trade, booked: Booked, reason: str, now: datetime) -> Trade:
    reversal = Trade.objects.create(
        fill_id=trade.fill_id,
        reverses=trade,
        reason=reason,
        strategy_id=trade.strategy_id,
        subscription_id=trade.subscription_id,
        exchange_account_id=trade.exchange_account_id,
        at=now,
        symbol=trade.symbol,
        side=OTHER_SIDE[trade.side],
        price=trade.price,
        quantity=trade.quantity,
        cost=trade.cost,
        fee=Decimal(-trade.fee),
        fee_asset=trade.fee_asset,
        fee_in_quote=booked.fee_in_quote,
        realised_pnl=booked.realised_pnl,
        # Without the signal's time: nothing was copied then. What was worse than the master is taken back.
        master_price=trade.master_price,
        input_hash=trade.input_hash,
        created_at=now,
    )
    Posting.objects.bulk_create(
        Posting(
            trade=reversal,
            source=posting.destination,
            destination=posting.source,
            amount=posting.amount,
            asset=posting.asset,
        )
        for posting in Posting.objects.filter(trade=trade).order_by("pk")
    )
    return reversal
