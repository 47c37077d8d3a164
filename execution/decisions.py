"""What becomes of one claimed order: it goes with this quantity, it waits, or it ends with a reason.

Works on the rows in memory; the claim holds their locks and writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal

from exchanges.rounding import round_price_up
from exchanges.types import MarketRules, OrderType
from execution.exposure import Exposure
from execution.models import CopyOrder
from execution.orders import Order
from execution.reasons import Reason
from execution.states import Status
from ledger.booking import PositionKey, SubPosition
from risk.checks import Limits, check_size
from subscriptions.models import Subscription
from subscriptions.relations import Relation
from subscriptions.sizing import PLACES, Sized, lower_target, round_entry, round_exit
from wallets.access import Access

ZERO = Decimal(0)
# A venue refuses a request that is older than this; afterwards a look-up is sure.
ACCEPTED_FOR = timedelta(seconds=5)
LOOK_UP_AFTER = ACCEPTED_FOR + timedelta(seconds=1)
# What must wait for a person or a venue is asked about again this often.
PAUSE = timedelta(seconds=5)
NO_LIMITS = Limits()

Rules = Mapping[str, MarketRules]


@dataclass(slots=True)
class Facts:
    """What the claim has read under its locks, for all its orders at once.

    `rules` are None where the venue's cannot be had now; `venue_now` is each venue's time.
    """

    relations: dict[int, Relation]
    accounts: dict[int, Access]
    rules: dict[str, Rules | None]
    limits: dict[int, Limits]
    exposure: Exposure
    venue_now: dict[str, datetime]
    positions: dict[PositionKey, SubPosition] = field(default_factory=dict)
    marks: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def position_of(self, order: Order) -> SubPosition:
        return self.positions[order.strategy_id, order.subscription_id, order.symbol]

    def limits_of(self, relation: Relation) -> Limits:
        return self.limits.get(relation.follower_id, NO_LIMITS)


def decide(order: Order, facts: Facts, now: datetime) -> None:
    """Fix the order's quantity and make it `submitting`, or say why it waits or ends."""
    account = facts.accounts[order.exchange_account_id]
    if order.cancel_requested_at:
        return _end(order, Status.CANCELED, Reason.CANCELED_BY_MASTER, now)
    if _is_late(order, facts.venue_now[account.exchange]):
        # Age refuses before the target is touched.
        return _end_late(order, facts, now)
    rules = facts.rules.get(account.exchange)
    if rules is None:
        return _wait(order, Reason.WAITING_FOR_VENUE, now)
    if order.symbol not in rules:
        return _end_or_wait(order, facts, Reason.SYMBOL_NOT_LISTED, now)
    if account.account is None:
        return _end_or_wait(order, facts, Reason.ACCOUNT_INVALID, now)
    if order.subscription_id is None:
        return _take(order, order.target_change, now)
    if order.kind == CopyOrder.Kind.EXIT:
        return _decide_exit(order, facts, rules[order.symbol], now)
    return _decide_entry(order, facts, rules[order.symbol], now)


def _is_late(order: Order, venue_now: datetime) -> bool:
    return order.expires_at is not None and venue_now > order.expires_at


def _end_late(order: Order, facts: Facts, now: datetime) -> None:
    if order.attempt == 0 and order.subscription_id:
        return _end(order, Status.SKIPPED, Reason.SIGNAL_TOO_OLD, now)
    return _give_up(order, facts, Status.EXPIRED, Reason.NOT_PLACED_IN_TIME, now)


def _decide_entry(order: Order, facts: Facts, rules: MarketRules, now: datetime) -> None:
    subscription = facts.relations[order.subscription_id or 0]
    limits = facts.limits_of(subscription)
    if limits.kill_switch != "off":
        return _give_up(order, facts, Status.DENIED, Reason.KILL_SWITCH, now)
    if subscription.status != Subscription.Status.ACTIVE:
        is_paused = subscription.status == Subscription.Status.PAUSED
        reason = Reason.PAUSED if is_paused else Reason.CLOSING
        return _give_up(order, facts, Status.SKIPPED, reason, now)
    position, bound = facts.position_of(order), order.price or ZERO
    target = position.target + (ZERO if order.target_applied else order.target_change)
    sized = round_entry(
        target=target, held=position.held, bound=bound, cash=subscription.available, rules=rules
    )
    amount = sized.amount or ZERO
    _trace(order, sized)
    exposure = facts.exposure.get(subscription.follower_id, {})
    denial = check_size(limits, notional=amount * bound, currency=rules.quote, open_before=exposure)
    if denial:
        order.reason_text = denial.sentence
        return _give_up(order, facts, Status.DENIED, Reason(denial.rule), now)
    # What the allocation cannot pay is never chased; what is merely too small joins the next change.
    position.target = position.held + amount if sized.is_cut else target
    order.target_applied = True
    if not amount:
        reason = Reason.ALLOCATION_USED if sized.is_cut else Reason.BELOW_MINIMUM
        return _end(order, Status.SKIPPED, reason, now)
    # To what the database keeps, so that releasing it leaves exactly nothing.
    order.reserved = (amount * bound * (1 + rules.taker_fee)).quantize(PLACES, ROUND_UP)
    subscription.reserved += order.reserved
    if subscription.follower_id in facts.exposure:
        exposure[rules.quote] = exposure.get(rules.quote, ZERO) + order.reserved
    return _take(order, amount, now)


def _decide_exit(order: Order, facts: Facts, rules: MarketRules, now: datetime) -> None:
    position = facts.position_of(order)
    if facts.limits_of(facts.relations[order.subscription_id or 0]).kill_switch == "freeze":
        return _wait(order, Reason.KILL_SWITCH, now)
    if not order.target_applied:
        position.target = lower_target(position.target, order.target_change)
        order.target_applied = True
    if position.held <= position.target:
        return _end(order, Status.SKIPPED, Reason.NOTHING_TO_SELL, now)
    price = _exit_price(order, facts, position)
    sized = round_exit(
        target=position.target,
        held=position.held,
        most=order.sell_at_most,
        price=price,
        rules=rules,
    )
    _trace(order, sized)
    if sized.amount:
        if order.type == OrderType.LIMIT_IOC:
            order.price = round_price_up(price * rules.lowest_offer, rules.tick_size)
        return _take(order, sized.amount, now)
    is_missing = order.sell_at_most is not None
    return _end(order, Status.SKIPPED, Reason.COINS_MISSING if is_missing else Reason.BELOW_MINIMUM, now)


def _exit_price(order: Order, facts: Facts, position: SubPosition) -> Decimal:
    """By which the venue's minimum is judged: the master's price, once refused the market's."""
    mark = facts.marks.get((facts.accounts[order.exchange_account_id].exchange, order.symbol))
    first, second = (order.master_price, mark) if order.attempt == 0 else (mark, order.master_price)
    return first or second or position.average_cost or ZERO


def _end_or_wait(order: Order, facts: Facts, reason: Reason, now: datetime) -> None:
    """An exit stays to be done until its account or its symbol is back."""
    if order.kind == CopyOrder.Kind.EXIT and order.subscription_id:
        return _wait(order, reason, now)
    return _give_up(order, facts, Status.SKIPPED, reason, now)


def _give_up(order: Order, facts: Facts, status: Status, reason: Reason, now: datetime) -> None:
    """End an entry that an earlier attempt may have put into the target: that comes off again."""
    if order.target_applied and order.subscription_id:
        position = facts.position_of(order)
        position.target = max(ZERO, position.target - (order.requested_amount or ZERO))
    return _end(order, status, reason, now)


def _take(order: Order, quantity: Decimal, now: datetime) -> None:
    order.status = Status.SUBMITTING
    order.reason_code = order.reason_text = ""
    order.requested_amount = quantity
    order.attempt += 1
    order.look_up_at = now + LOOK_UP_AFTER
    order.not_found_count = 0


def _wait(order: Order, reason: Reason, now: datetime) -> None:
    order.reason_code, order.due_at = reason, now + PAUSE


def _end(order: Order, status: Status, reason: Reason, now: datetime) -> None:
    order.status, order.reason_code, order.finished_at = status, reason, now
    order.look_up_at = None


def _trace(order: Order, sized: Sized) -> None:
    """A later attempt replaces the claim's steps of the earlier one."""
    earlier = [step for step in order.sizing if step.get("stage") != "claim"]
    order.sizing = earlier + [step.as_json() | {"stage": "claim"} for step in sized.steps]
