"""Step 2, second half: a slice of a signal's followers gets its orders, nobody left out.

A slice is written and claimed in one transaction, so that its orders leave as soon as it is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from django.db import transaction
from django.utils.translation import gettext_noop

from exchanges.rounding import EXACT
from execution import claiming, orders, pacing, slices
from execution.breaches import write_denied
from execution.claiming import Claimed
from execution.decisions import Facts
from execution.entries import Purchase, Verdict, judge
from execution.metrics import count_ended
from execution.models import CopyOrder, client_order_id
from execution.orders import Order
from execution.pacing import Address
from execution.reasons import Reason
from execution.rules import rules_of
from execution.silence import why_no_entry
from execution.states import Status
from records.bulk import one_row, select
from strategies.models import Signal, Strategy
from subscriptions.relations import Relation, lock_followers
from subscriptions.sizing import MasterFill, Step


@dataclass(frozen=True, slots=True)
class Written:
    """Orders of a slice: `to_send` are claimed for the caller, `order_ids` due and for anybody to claim."""

    to_send: list[Claimed]
    order_ids: list[int]


def write_slice(slice_id: int, *, now: datetime, claim_for: str = "") -> Written:
    """Write the orders of a slice; nothing, if somebody has done so.

    What may leave now is claimed for the worker `claim_for`. Without one, or where a venue takes no more for
    the moment, or where an earlier order is under way, the order is pending.
    """
    is_exit, venues = _venues_of(slice_id)
    # Both may go over the network, so before any lock.
    rules = rules_of({exchange for exchange, _ in venues})
    grants = pacing.grants(venues, is_exit=is_exit) if claim_for else {}
    with localcontext(EXACT), transaction.atomic(durable=True):
        taken = slices.take(slice_id)
        if taken is None:
            return Written([], [])
        signal_id, above, upto = taken
        signal = one_row(Signal, signal_id)
        signal.strategy = one_row(Strategy, signal.strategy_id)
        relations = lock_followers(signal.strategy_id, number=signal.number or 0, above=above, upto=upto)
        facts = claiming.facts_for(relations, rules, quotes=[signal.strategy.quote], now=now)
        wanted = _wanted(signal, now)
        new = [order_of(signal, relation, facts, now, wanted) for relation in relations.values()]
        if claim_for:
            _claim(new, facts, grants, claim_for, now)
        orders.insert(new, now=now)
        claiming.write_changes(facts, now=now)
        write_denied(facts.denied, now=now)
    slices.finish(signal.pk, now=now)
    count_ended(new)
    waiting = [order.id for order in new if order.status == Status.PENDING and order.due_at <= now]
    return Written(claiming.claimed(new, facts), waiting)


_VENUES = """
    SELECT g.side = 'sell', a.exchange, a.proxy_url,
        count(*) FILTER (WHERE g.side = 'sell' OR s.status = 'active')
    FROM execution_fanoutslice f
    JOIN strategies_signal g ON g.id = f.signal_id
    JOIN subscriptions_subscription s ON s.strategy_id = g.strategy_id AND s.status <> 'closed'
        AND s.starts_after_number < g.number AND s.id > f.above AND s.id <= f.upto
    JOIN wallets_exchangeaccount a ON a.id = s.exchange_account_id
    WHERE f.id = %s
    GROUP BY 1, 2, 3
"""


def _venues_of(slice_id: int) -> tuple[bool, dict[Address, int]]:
    """Whether it is an exit; to each venue and egress address: how many orders may want to go there."""
    rows = select(_VENUES, (slice_id,))
    return any(row[0] for row in rows), {(row[1], row[2]): row[3] for row in rows}


# --- What becomes of each ---------------------------------------------------------------------------


def _claim(
    new: Sequence[Order], facts: Facts, grants: dict[Address, int], worker: str, now: datetime
) -> None:
    """Decide those that may leave now: nothing is before them, and their venue takes more."""
    pending = [order for order in new if order.status == Status.PENDING]
    waiting = claiming.sub_positions_with_live_orders(
        order.subscription_id for order in pending if order.subscription_id
    )
    claimable = []
    for order in pending:
        if (order.subscription_id, order.symbol) in waiting:
            continue
        access = facts.accounts[order.exchange_account_id]
        address = (access.exchange, access.proxy_url)
        if grants.get(address, 0) > 0:
            grants[address] -= 1
            claimable.append(order)
        else:
            order.reason_code, order.due_at = Reason.WAITING_FOR_VENUE, pacing.room_at(address, now)
    claiming.decide_all(claimable, facts, worker=worker, now=now)


# An enumeration takes its time to tell a value.
_SIGNAL = CopyOrder.Origin.SIGNAL.value
_ENTRY, _EXIT = CopyOrder.Kind.ENTRY.value, CopyOrder.Kind.EXIT.value


def order_of(
    signal: Signal, relation: Relation, facts: Facts, now: datetime, wanted: Purchase | None
) -> Order:
    """What the signal means for this follower, before its claim; `wanted` is None for an exit."""
    verdict = judge(wanted, relation, facts) if wanted else _exit(signal)
    number = signal.number or 0
    return Order(
        origin=_SIGNAL,
        origin_number=number,
        subscription_id=relation.id,
        strategy_id=signal.strategy_id,
        signal_id=signal.pk,
        exchange_account_id=relation.exchange_account_id,
        client_order_id=client_order_id(
            origin=_SIGNAL,
            origin_number=number,
            owner=relation.id,
            symbol=signal.symbol,
            part=1,
        ),
        kind=_EXIT if signal.is_exit else _ENTRY,
        symbol=signal.symbol,
        side=signal.side,
        type="market" if signal.is_exit else "limit_ioc",
        status=verdict.status.value,
        reason_code=verdict.reason or "",
        reason_text=verdict.text,
        target_change=verdict.target_change,
        price=verdict.price,
        sizing=[step.as_json() for step in verdict.steps],
        master_price=signal.price,
        signal_at=signal.at,
        detected_at=signal.detected_at,
        expires_at=None if signal.is_exit else _expires_at(signal, signal.strategy),
        due_at=now,
        finished_at=None if verdict.status == Status.PENDING else now,
        exchange=facts.accounts[relation.exchange_account_id].exchange,
    )


def _wanted(signal: Signal, now: datetime) -> Purchase | None:
    if signal.is_exit:
        return None
    return purchase_of(signal, why_no_entry(strategy_id=signal.strategy_id, symbol=signal.symbol, now=now))


def purchase_of(signal: Signal, stop: Reason | None) -> Purchase:
    """What followers are to buy; `stop` is why nobody buys with this master now."""
    price = signal.price or Decimal(0)
    fill = MasterFill(
        amount=signal.amount,
        price=price,
        equity=signal.master_equity,
        order_amount=signal.order_amount,
    )
    return Purchase(signal.strategy, signal.symbol, fill, price, stop, signal.thin_shares or {})


def _expires_at(signal: Signal, strategy: Strategy) -> datetime | None:
    return signal.at and signal.at + timedelta(seconds=strategy.max_signal_age_seconds)


def _exit(signal: Signal) -> Verdict:
    """Exits are always copied: paused, blocked, above a limit, or at a venue that is silent now."""
    fraction = signal.exit_fraction if signal.exit_fraction is not None else Decimal(1)
    part = gettext_noop("part of the strategy's position that was sold")
    step = Step(gettext_noop("Master's exit"), part, f"{fraction * 100:.2f} %")
    return Verdict(Status.PENDING, None, "", fraction, None, (step,))
