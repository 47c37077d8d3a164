"""What a master held before somebody followed, bought by that follower's explicit choice.

A symbol waits while trades of it are still being copied: what those bring is no part of the opening. Whoever
is killed before the commit has done nothing, and the workers' sweep comes back to the row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from django.db import transaction
from django.utils.translation import gettext_noop

from exchanges.rounding import EXACT, plain
from execution import claiming, guard, orders
from execution.decisions import Facts
from execution.endings import Work
from execution.entries import Purchase, Verdict, judge, skipped
from execution.metrics import count_ended
from execution.models import CopyOrder, client_order_id
from execution.orders import Order
from execution.reasons import Reason
from execution.rules import rules_of
from execution.silence import why_no_entry
from execution.states import Status
from ledger.models import Position
from ledger.valuation import Prices, fresh_prices
from strategies.models import PerformanceSnapshot, Signal, Strategy
from strategies.services import lock_strategy
from subscriptions.models import Opening, Subscription
from subscriptions.relations import Relation, lock_relations
from subscriptions.sizing import MasterFill, Step

# Later, the follower would buy at prices that nobody looked at when asking.
WAITS_AT_MOST = timedelta(minutes=2)
EQUITY_IS_GOOD_FOR = timedelta(seconds=60)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known under the locks, for all symbols of one opening."""

    opening: Opening
    strategy: Strategy
    relation: Relation
    facts: Facts
    prices: Prices
    equity: Decimal | None
    now: datetime

    @property
    def is_late(self) -> bool:
        return self.now > self.opening.asked_at + WAITS_AT_MOST

    @property
    def exchange(self) -> str:
        """The follower's."""
        return self.facts.accounts[self.relation.exchange_account_id].exchange


def asked() -> list[int]:
    """Who waits for what the master holds."""
    return list(Opening.objects.order_by("pk").values_list("pk", flat=True))


def write(opening_id: int, *, now: datetime) -> Work:
    """Write the orders of an opening that can be written now; nothing, if somebody has done so."""
    seen = (
        Opening.objects.select_related("subscription__exchange_account", "subscription__strategy")
        .filter(pk=opening_id)
        .first()
    )
    if seen is None:
        return Work()
    copy = seen.subscription
    # Both may go over the network, so before any lock.
    prices = _prices(copy, now)
    rules = rules_of([copy.exchange_account.exchange])
    with localcontext(EXACT), transaction.atomic(durable=True):
        # Meanwhile no signal gets a number, and none of the master's fills is booked.
        strategy = lock_strategy(copy.strategy_id)
        opening = _lock(opening_id)
        if opening is None:
            return Work()
        relations = lock_relations([copy.pk])
        scene = Scene(
            opening=opening,
            strategy=strategy,
            relation=relations[copy.pk],
            facts=claiming.facts_for(relations, rules, quotes=[strategy.quote], now=now),
            prices=prices,
            equity=equity_of(strategy, now),
            now=now,
        )
        new, is_done = _orders(scene)
        orders.insert(new, now=now)
        if is_done:
            opening.delete()
    count_ended(new)
    return Work(entries=[order.id for order in new if not order.is_final])


def _lock(opening_id: int) -> Opening | None:
    """With its subscription. A busy one is for the next sweep: the master's fills wait for this strategy."""
    return (
        Opening.objects.select_for_update(of=("self", "subscription"), no_key=True, skip_locked=True)
        .select_related("subscription__exchange_account")
        .filter(pk=opening_id)
        .first()
    )


def _prices(copy: Subscription, now: datetime) -> Prices:
    """Of what the master holds, at both venues; what is not fresh is read. Nothing is bought without."""
    held = set(Position.objects.of_master(copy.strategy_id).open().values_list("symbol", flat=True))
    venues = {copy.exchange_account.exchange, copy.strategy.exchange_account.exchange}
    prices = fresh_prices(((venue, symbol) for venue in venues for symbol in held), now=now)
    missing = {venue: {s for s in held if (venue, s) not in prices} for venue in venues}
    for venue, symbols in missing.items():
        if symbols:
            guard.read_venue(venue, symbols, now)
    if not any(missing.values()):
        return prices
    return fresh_prices(((venue, symbol) for venue in venues for symbol in held), now=now)


# --- One order for each symbol that the master holds --------------------------------------------------


def _orders(scene: Scene) -> tuple[list[Order], bool]:
    """What can be written now, and whether that is all."""
    if scene.relation.status == Subscription.Status.CLOSED:
        return [], True
    held = _still_to_open(scene)
    waiting = set() if scene.is_late else _being_copied(scene.opening.subscription, held)
    copied = Position.objects.filter(subscription=scene.relation.id, target__gt=0)
    targets = dict(copied.values_list("symbol", "target"))
    new = []
    for symbol in held.keys() - waiting:
        verdict = _verdict(scene, symbol, held[symbol], targets.get(symbol, ZERO))
        if verdict:
            new.append(_order(scene, symbol, verdict))
    return new, not waiting


def _still_to_open(scene: Scene) -> dict[str, Decimal]:
    """By symbol what the master holds, but for what this or an earlier opening has seen to."""
    copy_id = scene.relation.id
    copied = Position.objects.filter(subscription=copy_id, target__gt=0)
    kept = set(copied.values_list("symbol", flat=True))
    done = {
        order.symbol
        for order in CopyOrder.objects.filter(subscription=copy_id, origin=CopyOrder.Origin.OPENING)
        if order.origin_number == scene.opening.pk
        or not order.is_final
        or (order.filled_amount and order.symbol in kept)
    }
    held = Position.objects.of_master(scene.strategy.pk).open()
    return {row.symbol: row.held for row in held if row.symbol not in done}


def _being_copied(copy: Subscription, symbols: Iterable[str]) -> set[str]:
    """Symbols of which trades are still to be copied: they count among what the master holds already."""
    unwritten = Signal.objects.to_fan_out().filter(
        strategy=copy.strategy_id, number__gt=copy.starts_after_number
    )
    under_way = CopyOrder.objects.live().filter(subscription=copy)
    busy = {*unwritten.values_list("symbol", flat=True), *under_way.values_list("symbol", flat=True)}
    return busy & set(symbols)


def equity_of(strategy: Strategy, now: datetime) -> Decimal | None:
    """The master's, as the watcher last read it; an old one counts as unknown."""
    snapshot = (
        PerformanceSnapshot.objects.filter(strategy=strategy, at__gte=now - EQUITY_IS_GOOD_FOR)
        .order_by("-at")
        .first()
    )
    return snapshot.equity if snapshot else None


def _verdict(scene: Scene, symbol: str, held: Decimal, target: Decimal) -> Verdict | None:
    """None: as much of it was copied already. `held` is the master's, `target` the follower's."""
    if scene.is_late:
        return Verdict(Status.EXPIRED, Reason.NOT_PLACED_IN_TIME, "", ZERO, None, ())
    price = scene.prices.get((scene.exchange, symbol))
    master_price = scene.prices.get((scene.strategy.exchange_account.exchange, symbol))
    if price is None or master_price is None:
        return skipped(Reason.PRICE_UNKNOWN)
    wanted = Purchase(
        strategy=scene.strategy,
        symbol=symbol,
        fill=MasterFill(amount=held, price=master_price, equity=scene.equity, order_amount=None),
        price=price,
        stop=why_no_entry(strategy_id=scene.strategy.pk, symbol=symbol, now=scene.now),
    )
    verdict = judge(wanted, scene.relation, scene.facts)
    label, detail = gettext_noop("What the master holds"), gettext_noop("at the last price, {0}")
    steps = (Step(label, detail, plain(held), values=(plain(price),)), *verdict.steps)
    if verdict.status != Status.PENDING:
        return verdict._replace(steps=steps)
    missing = verdict.target_change - target
    if missing <= 0:
        return None
    if target:
        steps += (
            Step(gettext_noop("Without what was copied already"), f"− {plain(target)}", plain(missing)),
        )
    return verdict._replace(target_change=missing, steps=steps)


def _order(scene: Scene, symbol: str, verdict: Verdict) -> Order:
    """No price and no time of the master's: it follows no trade."""
    origin, number = CopyOrder.Origin.OPENING.value, scene.opening.pk
    copy_id, now = scene.relation.id, scene.now
    return Order(
        origin=origin,
        origin_number=number,
        subscription_id=copy_id,
        strategy_id=scene.strategy.pk,
        signal_id=None,
        exchange_account_id=scene.relation.exchange_account_id,
        client_order_id=client_order_id(
            origin=origin, origin_number=number, owner=copy_id, symbol=symbol, part=1
        ),
        kind=CopyOrder.Kind.ENTRY.value,
        symbol=symbol,
        side="buy",
        type="limit_ioc",
        status=verdict.status.value,
        reason_code=verdict.reason or "",
        reason_text=verdict.text,
        target_change=verdict.target_change,
        price=verdict.price,
        sizing=[step.as_json() for step in verdict.steps],
        expires_at=now + timedelta(seconds=scene.strategy.max_signal_age_seconds),
        due_at=now,
        finished_at=None if verdict.status == Status.PENDING else now,
        exchange=scene.exchange,
    )
