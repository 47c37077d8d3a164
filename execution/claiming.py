"""Step 3, first half: the claim fixes what each order is and makes it this process's alone to send.

It commits before the first byte leaves; whoever dies afterwards leaves `submitting` rows that are looked
up by their client order id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal, localcontext

from django.db import transaction

from exchanges import gateway
from exchanges.rounding import EXACT
from exchanges.types import Account, MarketRules, OrderRequest, OrderType, Side
from execution.models import CopyOrder
from execution.reasons import Reason
from execution.states import LIVE, Status
from ledger.booking import PositionKey, positions_for
from ledger.models import Mark, Position
from records.bulk import update_rows
from risk.checks import Limits
from risk.models import RiskLimits
from subscriptions.models import Subscription
from subscriptions.sizing import PLACES, Sized, lower_target, round_entry, round_exit
from wallets.models import ExchangeAccount

# A venue refuses a request that is older than this; afterwards a look-up is sure.
ACCEPTED_FOR = timedelta(seconds=5)
LOOK_UP_AFTER = ACCEPTED_FOR + timedelta(seconds=1)
# A frozen exit is asked about again this often.
FROZEN_PAUSE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An order that this process alone may send, once."""

    order_id: int
    subscription_id: int | None
    attempt: int
    account: Account
    request: OrderRequest


@dataclass(slots=True)
class _Facts:
    """What the claim re-reads under its locks, for all its orders at once."""

    subscriptions: dict[int, Subscription]
    accounts: dict[int, ExchangeAccount]
    limits: dict[int, Limits]
    positions: dict[PositionKey, Position]
    marks: dict[tuple[str, str], Decimal]


def claim(order_ids: Sequence[int], *, worker: str, now: datetime) -> list[Claimed]:
    """Move what may go from `pending` to `submitting`; a second delivery of the same ids gets nothing."""
    with localcontext(EXACT), transaction.atomic(durable=True):
        subscriptions = _lock_subscriptions(order_ids)
        orders = list(
            CopyOrder.objects.select_for_update(no_key=True)
            .filter(pk__in=order_ids, status=Status.PENDING, due_at__lte=now)
            .order_by("pk")
        )
        orders = _first_in_line(orders)
        facts = _facts(orders, subscriptions)
        for order in orders:
            _decide(order, facts, now)
            _forget_what_will_not_come(order, facts)
            if order.status == Status.SUBMITTING:
                order.claimed_at = gateway.venue_now(facts.accounts[order.exchange_account_id].exchange)
                order.claimed_by, order.submitted_at = worker, now
        _write(orders, facts, now)
    return [
        _claimed(order, facts.accounts[order.exchange_account_id])
        for order in orders
        if order.status == Status.SUBMITTING
    ]


def _lock_subscriptions(order_ids: Sequence[int]) -> dict[int, Subscription]:
    """Subscriptions are always locked first, by id: the kill switch takes the same locks.

    Without their key, so that a fan-out that names the same rows in its own order does not wait.
    """
    owners = CopyOrder.objects.filter(pk__in=order_ids).values_list("subscription_id", flat=True)
    rows = (
        Subscription.objects.select_for_update(no_key=True).filter(pk__in=set(owners) - {None}).order_by("pk")
    )
    return {row.pk: row for row in rows}


def _first_in_line(orders: Sequence[CopyOrder]) -> list[CopyOrder]:
    """Leave out orders whose sub-position has an earlier order that is not final."""
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


def _facts(orders: Sequence[CopyOrder], subscriptions: dict[int, Subscription]) -> _Facts:
    keys = [
        (order.strategy_id, order.subscription_id, order.symbol) for order in orders if order.subscription_id
    ]
    accounts = ExchangeAccount.objects.in_bulk({order.exchange_account_id for order in orders})
    return _Facts(
        subscriptions=subscriptions,
        accounts=accounts,
        limits=RiskLimits.objects.by_user({row.follower_id for row in subscriptions.values()}),
        positions=positions_for(keys),
        marks=_marks([order for order in orders if order.master_price is None], accounts),
    )


def _marks(
    orders: Sequence[CopyOrder], accounts: dict[int, ExchangeAccount]
) -> dict[tuple[str, str], Decimal]:
    """Prices for orders that follow no trade of a master."""
    wanted = {(accounts[order.exchange_account_id].exchange, order.symbol) for order in orders}
    if not wanted:
        return {}
    rows = Mark.objects.filter(exchange__in={e for e, _ in wanted}, symbol__in={s for _, s in wanted})
    return {(row.exchange, row.symbol): row.price for row in rows}


def _decide(order: CopyOrder, facts: _Facts, now: datetime) -> None:
    """Fix the order's quantity and make it `submitting`, or say why it does not go."""
    account = facts.accounts[order.exchange_account_id]
    rules = gateway.market_rules_now(account.exchange).get(order.symbol)
    if rules is None:
        return _refuse(order, Status.SKIPPED, Reason.SYMBOL_NOT_LISTED, now)
    if account.status == ExchangeAccount.Status.INVALID or account.disconnected_at:
        return _refuse(order, Status.SKIPPED, Reason.ACCOUNT_INVALID, now)
    if order.subscription_id is None:
        return _take(order, order.target_change, now)
    subscription = facts.subscriptions[order.subscription_id]
    position = facts.positions[order.strategy_id, order.subscription_id, order.symbol]
    limits = facts.limits.get(subscription.follower_id, Limits())
    if order.kind == CopyOrder.Kind.EXIT:
        mark = facts.marks.get((account.exchange, order.symbol))
        price = order.master_price or mark or position.average_cost or Decimal(0)
        return _decide_exit(order, position, limits, rules, price, now)
    return _decide_entry(
        order, subscription, position, limits, rules, gateway.venue_now(account.exchange), now
    )


def _decide_entry(
    order: CopyOrder,
    subscription: Subscription,
    position: Position,
    limits: Limits,
    rules: MarketRules,
    venue_now: datetime,
    now: datetime,
) -> None:
    # Age and risk refuse before the target is touched.
    if order.expires_at and venue_now > order.expires_at:
        late = (
            (Status.SKIPPED, Reason.SIGNAL_TOO_OLD)
            if order.attempt == 0
            else (Status.EXPIRED, Reason.NOT_PLACED_IN_TIME)
        )
        return _refuse(order, *late, now)
    if limits.kill_switch != "off":
        return _refuse(order, Status.DENIED, Reason.KILL_SWITCH, now)
    if subscription.status != Subscription.Status.ACTIVE:
        reason = Reason.PAUSED if subscription.status == Subscription.Status.PAUSED else Reason.CLOSING
        return _refuse(order, Status.SKIPPED, reason, now)
    bound = order.price or Decimal(0)
    if not order.target_applied:
        position.target += order.target_change
        order.target_applied = True
    sized = round_entry(
        target=position.target, held=position.held, bound=bound, cash=subscription.available, rules=rules
    )
    _trace(order, sized)
    if sized.is_cut:
        # What the allocation cannot pay is never chased.
        position.target = position.held + (sized.amount or Decimal(0))
    if not sized.amount:
        # What is merely too small stays in the target and joins the next change.
        reason = Reason.ALLOCATION_USED if sized.is_cut else Reason.BELOW_MINIMUM
        return _refuse(order, Status.SKIPPED, reason, now)
    # To what the database keeps, so that releasing it leaves exactly nothing.
    order.reserved = (sized.amount * bound * (1 + rules.taker_fee)).quantize(PLACES, ROUND_UP)
    subscription.reserved += order.reserved
    return _take(order, sized.amount, now)


def _decide_exit(
    order: CopyOrder,
    position: Position,
    limits: Limits,
    rules: MarketRules,
    price: Decimal,
    now: datetime,
) -> None:
    if limits.kill_switch == "freeze":
        order.due_at = now + FROZEN_PAUSE
        order.reason_code = Reason.KILL_SWITCH
        return None
    if not order.target_applied:
        position.target = lower_target(position.target, order.target_change)
        order.target_applied = True
    if position.held <= position.target:
        return _refuse(order, Status.SKIPPED, Reason.NOTHING_TO_SELL, now)
    sized = round_exit(target=position.target, held=position.held, price=price, rules=rules)
    _trace(order, sized)
    if not sized.amount:
        return _refuse(order, Status.SKIPPED, Reason.BELOW_MINIMUM, now)
    return _take(order, sized.amount, now)


def _forget_what_will_not_come(order: CopyOrder, facts: _Facts) -> None:
    """An entry refused after an earlier attempt had raised the target takes that off again."""
    if order.is_final and order.attempt and order.kind == CopyOrder.Kind.ENTRY and order.subscription_id:
        position = facts.positions[order.strategy_id, order.subscription_id, order.symbol]
        position.target = max(Decimal(0), position.target - (order.requested_amount or Decimal(0)))


def _take(order: CopyOrder, quantity: Decimal, now: datetime) -> None:
    order.status = Status.SUBMITTING
    order.reason_code = order.reason_text = ""
    order.requested_amount = quantity
    order.attempt += 1
    order.look_up_at = now + LOOK_UP_AFTER
    order.not_found_count = 0


def _refuse(order: CopyOrder, status: Status, reason: Reason, now: datetime) -> None:
    order.status, order.reason_code, order.finished_at = status, reason, now
    order.look_up_at = None


def _trace(order: CopyOrder, sized: Sized) -> None:
    """A later attempt replaces the claim's steps of the earlier one."""
    earlier = [step for step in order.sizing if step.get("stage") != "claim"]
    order.sizing = earlier + [step.as_json() | {"stage": "claim"} for step in sized.steps]


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


def _write(orders: Sequence[CopyOrder], facts: _Facts, now: datetime) -> None:
    rows = [
        {"id": order.pk, "updated_at": now} | {column: getattr(order, column) for column in CLAIM_COLUMNS}
        for order in orders
    ]
    update_rows(CopyOrder, rows)
    update_rows(Position, [{"id": row.pk, "target": row.target} for row in facts.positions.values()])
    update_rows(
        Subscription, [{"id": row.pk, "reserved": row.reserved} for row in facts.subscriptions.values()]
    )


def _claimed(order: CopyOrder, account: ExchangeAccount) -> Claimed:
    assert order.requested_amount is not None and order.claimed_at is not None  # noqa: S101 - a table constraint
    return Claimed(
        order_id=order.pk,
        subscription_id=order.subscription_id,
        attempt=order.attempt,
        account=account.open(),
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
