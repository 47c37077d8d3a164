"""What becomes of one claimed order: it goes with this quantity, it waits, or it ends with a reason.

Works on the rows in memory; the claim holds their locks and writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal

from django.utils.translation import gettext_noop

from exchanges.rounding import meets_minimum, plain, round_down, round_price_up
from exchanges.types import MarketRules, OrderType
from execution.models import CopyOrder
from execution.orders import Order
from execution.reasons import Reason
from execution.states import Status
from execution.usage import Allowances
from ledger.booking import PositionKey, SubPosition
from risk.checks import Allowance, Denial, Limits, Wish, allowed_amount, check_wish, strictest_switch
from risk.platform import Stop, mode_at
from subscriptions.models import Subscription
from subscriptions.relations import Relation
from subscriptions.sizing import PLACES, Sized, Step, lower_target, round_entry, round_exit
from wallets.access import Access

ZERO = Decimal(0)
# A venue refuses a request that is older than this; afterwards a look-up is sure.
ACCEPTED_FOR = timedelta(seconds=5)
LOOK_UP_AFTER = ACCEPTED_FOR + timedelta(seconds=1)
# What must wait for a person or a venue is asked about again this often.
PAUSE = timedelta(seconds=5)

Rules = Mapping[str, MarketRules]


@dataclass(frozen=True, slots=True)
class Denied:
    """An entry that a limit stopped: whose limit it was, and by which numbers."""

    order: Order
    follower_id: int
    denial: Denial
    allowance: Allowance


@dataclass(slots=True)
class Facts:
    """What the claim has read under its locks, for all its orders at once.

    `rules` are None where the venue's cannot be had now; `venue_now` is each venue's time; `differing` are
    accounts and coins of which fewer were counted than the books hold.
    """

    relations: dict[int, Relation]
    accounts: dict[int, Access]
    rules: dict[str, Rules | None]
    allowances: Allowances
    stops: Sequence[Stop]
    venue_now: dict[str, datetime]
    positions: dict[PositionKey, SubPosition] = field(default_factory=dict)
    marks: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    denied: list[Denied] = field(default_factory=list)
    differing: frozenset[tuple[int, str]] = frozenset()

    def position_of(self, order: Order) -> SubPosition:
        return self.positions[order.strategy_id, order.subscription_id, order.symbol]

    def allowances_of(self, relation: Relation) -> list[Allowance]:
        return self.allowances.over(follower_id=relation.follower_id, subscription_id=relation.id)

    def limits_of(self, relation: Relation) -> list[Limits]:
        return [allowance.limits for allowance in self.allowances_of(relation)]

    def platform_mode(self, order: Order) -> str:
        """Whether the platform's staff have stopped what this order is for."""
        if not self.stops:
            return "off"
        return mode_at(self.stops, self.accounts[order.exchange_account_id].exchange, order.strategy_id)


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
    if not account.is_usable:
        return _end_or_wait(order, facts, Reason.ACCOUNT_INVALID, now)
    if order.subscription_id is None:
        return _decide_own(order, facts, now)
    if order.kind == CopyOrder.Kind.EXIT:
        return _decide_exit(order, facts, rules[order.symbol], now)
    return _decide_entry(order, facts, rules[order.symbol], now)


def _is_late(order: Order, venue_now: datetime) -> bool:
    return order.expires_at is not None and venue_now > order.expires_at


def _end_late(order: Order, facts: Facts, now: datetime) -> None:
    # What follows no trade of the master's cannot come too late for one.
    if order.attempt == 0 and order.subscription_id and order.origin != CopyOrder.Origin.OPENING:
        return _end(order, Status.SKIPPED, Reason.SIGNAL_TOO_OLD, now)
    return _give_up(order, facts, Status.EXPIRED, Reason.NOT_PLACED_IN_TIME, now)


def _decide_own(order: Order, facts: Facts, now: datetime) -> None:
    """A master's own order, which only the platform's staff may stop."""
    mode = facts.platform_mode(order)
    if mode == "freeze" or (mode == "close_only" and order.side == "buy"):
        return _end(order, Status.DENIED, Reason.PLATFORM_STOPPED, now)
    return _take(order, order.target_change, now)


def _decide_entry(order: Order, facts: Facts, rules: MarketRules, now: datetime) -> None:
    subscription = facts.relations[order.subscription_id or 0]
    if facts.platform_mode(order) != "off":
        return _give_up(order, facts, Status.DENIED, Reason.PLATFORM_STOPPED, now)
    if strictest_switch(facts.limits_of(subscription)) != "off":
        return _give_up(order, facts, Status.DENIED, Reason.KILL_SWITCH, now)
    if subscription.status != Subscription.Status.ACTIVE:
        is_paused = subscription.status == Subscription.Status.PAUSED
        reason = Reason.PAUSED if is_paused else Reason.CLOSING
        return _give_up(order, facts, Status.SKIPPED, reason, now)
    if (order.exchange_account_id, rules.base) in facts.differing:
        return _wait(order, Reason.COINS_DIFFER, now)
    position, bound = facts.position_of(order), order.price or ZERO
    target = position.target + (ZERO if order.target_applied else order.target_change)
    sized = round_entry(
        target=target, held=position.held, bound=bound, cash=subscription.available, rules=rules
    )
    sized = _cut(order, sized, subscription, facts, rules)
    amount = sized.amount or ZERO
    _trace(order, sized)
    if denied := _denied(order, amount, subscription, facts, rules):
        facts.denied.append(denied)
        order.reason_text = f"{denied.denial.sentence} {_would_have_been(order, amount, rules)}"
        return _give_up(order, facts, Status.DENIED, Reason(denied.denial.rule), now)
    # What the allocation cannot pay is never chased; what is merely too small joins the next change.
    position.target = position.held + amount if sized.is_cut else target
    order.target_applied = True
    if not amount:
        reason = Reason.ALLOCATION_USED if sized.is_cut else Reason.BELOW_MINIMUM
        return _end(order, Status.SKIPPED, reason, now)
    # To what the database keeps, so that releasing it leaves exactly nothing.
    order.reserved = (amount * bound * (1 + rules.taker_fee)).quantize(PLACES, ROUND_UP)
    subscription.reserved += order.reserved
    _count(order, subscription, facts, rules)
    return _take(order, amount, now)


def _cut(order: Order, sized: Sized, relation: Relation, facts: Facts, rules: MarketRules) -> Sized:
    """Smaller, where limits say that what is too large is cut, and the venue takes what is left."""
    wished, bound = sized.amount or ZERO, order.price or ZERO
    allowances = facts.allowances_of(relation)
    if not wished or all(allowance.limits.oversize != "cut" for allowance in allowances):
        return sized
    most, rule = min(
        allowed_amount(allowance, _wish(order, wished, allowance, facts, rules)) for allowance in allowances
    )
    amount = round_down(most, rules.lot_step)
    if amount >= wished or not meets_minimum(amount, bound, rules):
        return sized
    label, detail = gettext_noop("Cut to your limits"), gettext_noop("{0} is more than they allow")
    step = Step(label, detail, plain(amount), cut=rule, values=(plain(wished),))
    return Sized(amount, (*sized.steps, step))


def _denied(
    order: Order, amount: Decimal, relation: Relation, facts: Facts, rules: MarketRules
) -> Denied | None:
    """The first limit that this entry would pass, of its owner's and of its copy's; nothing passes none."""
    for allowance in facts.allowances_of(relation) if amount else ():
        denial = check_wish(allowance, _wish(order, amount, allowance, facts, rules))
        if denial:
            return Denied(order, relation.follower_id, denial, allowance)
    return None


def _would_have_been(order: Order, amount: Decimal, rules: MarketRules) -> str:
    price = f"{Decimal(plain(order.price or ZERO)):,f}"
    return f"The order was to buy {plain(amount)} {rules.base} at {price} {rules.quote} at most."


def _wish(order: Order, amount: Decimal, allowance: Allowance, facts: Facts, rules: MarketRules) -> Wish:
    return Wish(
        key=(order.subscription_id or 0, order.symbol),
        amount=amount,
        price=order.price or ZERO,
        rate=facts.allowances.rates.rate(rules.quote, allowance.limits.currency),
        is_first_attempt=order.attempt == 0,
    )


def _count(order: Order, relation: Relation, facts: Facts, rules: MarketRules) -> None:
    """What goes counts for those that are decided after it, in this very claim."""
    for allowance in facts.allowances_of(relation):
        rate = facts.allowances.rates.rate(rules.quote, allowance.limits.currency)
        allowance.take(
            (relation.id, order.symbol),
            notional=None if rate is None else order.reserved * rate,
            is_first_attempt=order.attempt == 0,
        )


def _decide_exit(order: Order, facts: Facts, rules: MarketRules, now: datetime) -> None:
    position = facts.position_of(order)
    if facts.platform_mode(order) == "freeze":
        return _wait(order, Reason.PLATFORM_STOPPED, now)
    if strictest_switch(facts.limits_of(facts.relations[order.subscription_id or 0])) == "freeze":
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
