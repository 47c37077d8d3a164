"""Step 3, first half: the claim fixes what each order is and makes it this process's alone to send.

It commits before the first byte leaves; whoever dies afterwards leaves `submitting` rows that are looked
up by their client order id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

import structlog
from django.db import transaction

from exchanges import gateway
from exchanges.rounding import EXACT
from exchanges.types import Account, OrderRequest, OrderType, Side
from execution.decisions import Facts, decide
from execution.endings import Work, end_signals, released
from execution.exposure import Exposure, lock_exposure
from execution.models import CopyOrder
from execution.rules import rules_of
from execution.states import LIVE, Status
from ledger.booking import positions_for
from ledger.models import Mark, Position
from records.bulk import update_rows
from risk.models import RiskLimits
from subscriptions.models import Subscription
from wallets import vault
from wallets.models import ExchangeAccount

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
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
        subscriptions = _lock_subscriptions(order_ids)
        exposure = lock_exposure(row.follower_id for row in subscriptions.values())
        orders = _first_in_line(
            CopyOrder.objects.select_for_update(no_key=True)
            .filter(pk__in=order_ids, status=Status.PENDING, due_at__lte=now)
            .order_by("pk")
        )
        facts = _facts(orders, subscriptions, exposure)
        facts.rules = {account.exchange: rules.get(account.exchange) for account in facts.accounts.values()}
        for order in orders:
            decide(order, facts, now)
            if order.status == Status.SUBMITTING:
                order.claimed_at = gateway.venue_now(facts.accounts[order.exchange_account_id].exchange)
                order.claimed_by, order.submitted_at = worker, now
        _write(orders, facts, now)
        ended = [order for order in orders if order.is_final]
        work = released(ended, now=now)
    end_signals(ended)
    return Claim([_claimed(order, facts) for order in orders if order.status == Status.SUBMITTING], work)


def _lock_subscriptions(order_ids: Sequence[int]) -> dict[int, Subscription]:
    """Subscriptions are always locked first, by id: the kill switch takes the same locks.

    Without their key, so that a fan-out that names the same rows in its own order does not wait.
    """
    owners = CopyOrder.objects.filter(pk__in=order_ids).values_list("subscription_id", flat=True)
    rows = (
        Subscription.objects.select_for_update(no_key=True).filter(pk__in=set(owners) - {None}).order_by("pk")
    )
    return {row.pk: row for row in rows}


def _first_in_line(orders: Iterable[CopyOrder]) -> list[CopyOrder]:
    """Leave out orders whose sub-position has an earlier order that is not final."""
    orders = list(orders)
    subscription_ids = {order.subscription_id for order in orders if order.subscription_id}
    first: dict[tuple[int | None, str], int] = {}
    live = (
        CopyOrder.objects.filter(subscription_id__in=subscription_ids, status__in=LIVE)
        .order_by("pk")
        .values_list("subscription_id", "symbol", "pk")
    )
    for subscription_id, symbol, pk in live:
        first.setdefault((subscription_id, symbol), pk)
    return [
        order
        for order in orders
        if order.subscription_id is None or first[order.subscription_id, order.symbol] == order.pk
    ]


def _facts(orders: Sequence[CopyOrder], subscriptions: dict[int, Subscription], exposure: Exposure) -> Facts:
    keys = [
        (order.strategy_id, order.subscription_id, order.symbol) for order in orders if order.subscription_id
    ]
    accounts = ExchangeAccount.objects.in_bulk({order.exchange_account_id for order in orders})
    return Facts(
        subscriptions=subscriptions,
        accounts=accounts,
        opened={pk: _open(account) for pk, account in accounts.items()},
        rules={},
        limits=RiskLimits.objects.by_user({row.follower_id for row in subscriptions.values()}),
        exposure=exposure,
        positions=positions_for(keys),
        marks=_marks([order for order in orders if order.master_price is None or order.attempt], accounts),
    )


def _open(account: ExchangeAccount) -> Account | None:
    """The account with its keys; None, and marked, where no key of the ring opens them."""
    if not account.sealed_credentials:
        return None
    try:
        return account.open()
    except vault.CannotOpen as error:
        log.error("keys_not_opened", account_id=account.pk, error=str(error))
        ExchangeAccount.objects.filter(pk=account.pk).update(
            status=ExchangeAccount.Status.INVALID,
            status_reason="These keys cannot be opened any more. Connect new ones.",
        )
        return None


def _marks(
    orders: Sequence[CopyOrder], accounts: dict[int, ExchangeAccount]
) -> dict[tuple[str, str], Decimal]:
    """Prices for orders that follow no trade of a master, or have been refused at that price."""
    wanted = {(accounts[order.exchange_account_id].exchange, order.symbol) for order in orders}
    if not wanted:
        return {}
    rows = Mark.objects.filter(exchange__in={e for e, _ in wanted}, symbol__in={s for _, s in wanted})
    return {(row.exchange, row.symbol): row.price for row in rows}


CLAIM_COLUMNS = (
    "status",
    "reason_code",
    "reason_text",
    "requested_amount",
    "reserved",
    "target_applied",
    "sizing",
    "attempt",
    "claimed_at",
    "claimed_by",
    "submitted_at",
    "look_up_at",
    "not_found_count",
    "due_at",
    "finished_at",
)


def _write(orders: Sequence[CopyOrder], facts: Facts, now: datetime) -> None:
    rows = [
        {"id": order.pk, "updated_at": now} | {column: getattr(order, column) for column in CLAIM_COLUMNS}
        for order in orders
    ]
    update_rows(CopyOrder, rows)
    update_rows(Position, [{"id": row.pk, "target": row.target} for row in facts.positions.values()])
    update_rows(
        Subscription, [{"id": row.pk, "reserved": row.reserved} for row in facts.subscriptions.values()]
    )


def _claimed(order: CopyOrder, facts: Facts) -> Claimed:
    account = facts.opened[order.exchange_account_id]
    assert account and order.requested_amount and order.claimed_at  # noqa: S101 - what `decide` has seen to
    return Claimed(
        order_id=order.pk,
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
