"""Step 3, first half: the claim fixes what each order is and makes it this process's alone to send.

It commits before the first byte leaves; whoever dies afterwards leaves `submitting` rows that are looked
up by their client order id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import NamedTuple

from django.db import transaction

from exchanges import gateway
from exchanges.rounding import EXACT
from exchanges.types import Account, OrderRequest, OrderType, Side
from execution import orders, strangers
from execution.breaches import write_denied
from execution.decisions import Facts, Rules, decide
from execution.endings import Work, end_signals, released
from execution.metrics import count_ended
from execution.models import CopyOrder
from execution.orders import Order
from execution.rules import rules_of
from execution.states import LIVE, Status
from execution.usage import lock_allowances
from ledger.booking import positions_for, write_positions
from ledger.models import Mark
from records.bulk import select
from risk.platform import stops_in_force
from subscriptions.relations import Relation, lock_relations, write_money
from wallets.access import Access, open_accounts


class Claimed(NamedTuple):
    """An order that this process alone may send, once."""

    order_id: int
    subscription_id: int | None
    attempt: int
    account: Account
    request: OrderRequest


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim has brought: orders to send now, and the work that those which ended release."""

    to_send: list[Claimed]
    work: Work


def claim(order_ids: Sequence[int], *, worker: str, now: datetime) -> Claim:
    """Move what may go from `pending` to `submitting`; a second delivery of the same ids gets nothing."""
    venues = CopyOrder.objects.filter(pk__in=order_ids).values_list("exchange_account__exchange", flat=True)
    # May go over the network, so before any lock.
    rules = rules_of(venues.distinct())
    with localcontext(EXACT), transaction.atomic(durable=True):
        # Subscriptions are always locked first, by id: the kill switch takes the same locks.
        relations = lock_relations(_subscriptions_of(order_ids))
        due = strangers.set_aside(_first_in_line(orders.lock_due(order_ids, now=now)), now=now)
        facts = facts_for(
            relations,
            rules,
            (order.exchange_account_id for order in due),
            quotes={order.symbol.partition("/")[2] for order in due},
            now=now,
        )
        decide_all(due, facts, worker=worker, now=now)
        orders.write(due, COLUMNS, now=now)
        orders.write_traces(due)
        orders.write_attempts(due)
        write_changes(facts, now=now)
        write_denied(facts.denied, now=now)
        ended = [order for order in due if order.is_final]
        work = released(ended, now=now)
    end_signals(ended)
    count_ended(ended)
    return Claim(claimed(due, facts), work)


def _subscriptions_of(order_ids: Sequence[int]) -> set[int]:
    owners = CopyOrder.objects.filter(pk__in=order_ids).values_list("subscription_id", flat=True)
    return {owner for owner in owners if owner}


def _first_in_line(due: Sequence[Order]) -> list[Order]:
    """Leave out orders whose sub-position has an earlier order that is not final."""
    first: dict[tuple[int | None, str], int] = {}
    for subscription_id, symbol, order_id in _live(order.subscription_id for order in due):
        key = subscription_id, symbol
        first[key] = min(order_id, first.get(key, order_id))
    return [
        order
        for order in due
        if order.subscription_id is None or first[order.subscription_id, order.symbol] == order.id
    ]


def sub_positions_with_live_orders(subscription_ids: Iterable[int]) -> set[tuple[int, str]]:
    """Subscription and symbol: there a new order has to wait."""
    return {(subscription_id, symbol) for subscription_id, symbol, _ in _live(subscription_ids)}


def _live(subscription_ids: Iterable[int | None]) -> list[tuple[int, str, int]]:
    return select(
        "SELECT subscription_id, symbol, id FROM execution_copyorder"
        " WHERE subscription_id = ANY(%s) AND status = ANY(%s)",
        (list(subscription_ids), _LIVE),
    )


_LIVE = sorted(status.value for status in LIVE)


# --- One claim, whether the orders are new or were pending --------------------------------------------


def facts_for(
    relations: dict[int, Relation],
    rules: dict[str, Rules | None],
    others: Iterable[int] = (),
    *,
    quotes: Iterable[str],
    now: datetime,
) -> Facts:
    """What is to be known for deciding orders in these quotes; the caller has locked these subscriptions.

    `others` are accounts of orders without a subscription.
    """
    accounts = open_accounts({*others, *(row.exchange_account_id for row in relations.values())})
    return Facts(
        relations=relations,
        accounts=accounts,
        rules=rules,
        stops=stops_in_force(),
        allowances=lock_allowances(relations, quotes, now=now),
        venue_now={
            exchange: gateway.venue_now(exchange)
            for exchange in {access.exchange for access in accounts.values()}
        },
        differing=coins_that_differ(accounts),
    )


def coins_that_differ(account_ids: Iterable[int]) -> frozenset[tuple[int, str]]:
    """Accounts and coins of which fewer were counted than the books hold."""
    rows = select(
        "SELECT exchange_account_id, asset FROM execution_coindifference WHERE exchange_account_id = ANY(%s)",
        (list(account_ids),),
    )
    return frozenset((account_id, asset) for account_id, asset in rows)


def _marks(priced: Sequence[Order], accounts: dict[int, Access]) -> dict[tuple[str, str], Decimal]:
    """Prices for orders that follow no trade of a master, or have been refused at that price."""
    wanted = {(accounts[order.exchange_account_id].exchange, order.symbol) for order in priced}
    if not wanted:
        return {}
    rows = Mark.objects.filter(exchange__in={e for e, _ in wanted}, symbol__in={s for _, s in wanted})
    return {(row.exchange, row.symbol): row.price for row in rows}


def decide_all(claimable: Sequence[Order], facts: Facts, *, worker: str, now: datetime) -> None:
    """Decide each; those that go become this worker's."""
    facts.positions = positions_for(
        (order.strategy_id, order.subscription_id, order.symbol)
        for order in claimable
        if order.subscription_id
    )
    facts.marks = _marks(
        [order for order in claimable if order.master_price is None or order.attempt], facts.accounts
    )
    for order in claimable:
        decide(order, facts, now)
        if order.status == Status.SUBMITTING:
            order.claimed_at = facts.venue_now[facts.accounts[order.exchange_account_id].exchange]
            order.claimed_by, order.submitted_at = worker, now


def write_changes(facts: Facts, *, now: datetime) -> None:
    """Targets and reserved cash."""
    write_positions(facts.positions.values(), now=now)
    write_money(facts.relations.values())


# What a claim may change of an order.
COLUMNS = (
    "status",
    "reason_code",
    "reason_text",
    "requested_amount",
    "reserved",
    "target_applied",
    "attempt",
    "claimed_at",
    "claimed_by",
    "submitted_at",
    "look_up_at",
    "not_found_count",
    "due_at",
    "finished_at",
)


def claimed(decided: Iterable[Order], facts: Facts) -> list[Claimed]:
    """What is to be sent, once the claim is committed."""
    return [_claimed(order, facts) for order in decided if order.status == Status.SUBMITTING]


def _claimed(order: Order, facts: Facts) -> Claimed:
    account = facts.accounts[order.exchange_account_id].account
    assert account and order.requested_amount and order.claimed_at  # noqa: S101 - what `decide` has seen to
    return Claimed(
        order_id=order.id,
        subscription_id=order.subscription_id,
        attempt=order.attempt,
        account=account,
        request=OrderRequest(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=Side(order.side),
            type=OrderType(order.type),
            quantity=order.requested_amount,
            price=None if order.type == OrderType.MARKET else order.price,
            signed_at=order.claimed_at,
        ),
    )
