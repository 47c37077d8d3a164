"""What a master asks for directly: a signal placed on the master's own account, copied as it fills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from exchanges.rounding import EXACT, plain, round_down
from exchanges.types import MarketRules
from execution.models import CopyOrder, client_order_id
from execution.reasons import Reason
from execution.states import Status
from ledger.models import Mark
from records.timeline import identity
from rest import codes
from rest.errors import Conflict, invalid
from strategies.models import Signal, Strategy
from strategies.services import ACCOUNT_INVALID, SYMBOL_NOT_LISTED, lock_strategy, market_rules
from subscriptions.following import NOT_PUBLISHED
from wallets.models import ExchangeAccount

IDEMPOTENCY_CONFLICT = codes.declare(
    "idempotency_conflict", "This client_signal_id was used before, with another body."
)
SYMBOL_NOT_IN_STRATEGY = codes.declare("symbol_not_in_strategy", "The strategy does not trade this symbol.")
NOT_ON_LOT_STEP = codes.declare("not_on_lot_step", "The amount is not a multiple of the exchange's lot step.")
NOT_ON_TICK_SIZE = codes.declare(
    "not_on_tick_size", "The price is not a multiple of the exchange's tick size."
)
BELOW_MINIMUM = codes.declare("below_minimum", "The exchange does not take so small an order.")
ABOVE_MAXIMUM = codes.declare("above_maximum", "The exchange does not take so large an order.")
PRICE_ONLY_FOR_LIMIT = codes.declare("price_only_for_limit", "A market order has no price.")


@dataclass(frozen=True, slots=True)
class Request:
    """What the master wants: `amount` in base, `price` in quote and only for a limit order."""

    client_signal_id: str
    symbol: str
    side: str
    type: str
    amount: Decimal
    price: Decimal | None


def send_signal(
    *, strategy: Strategy, request: Request, source: str, now: datetime
) -> tuple[Signal, CopyOrder | None]:
    """The signal, and the order to enqueue after this; None when the same request was sent before.

    Followers are served when the order fills: its fills give the signal its number.
    """
    known = _known(strategy, request)
    if known is not None:
        return known, None
    check_request(strategy, request, now)
    with transaction.atomic(durable=True):
        # Under the strategy's lock two requests of one id come one after the other.
        locked = lock_strategy(strategy.pk)
        known = _known(locked, request)
        if known is not None:
            return known, None
        _require_open(locked)
        signal = _signal(locked, request, source, now)
        return signal, _order(signal, locked, request, now)


def cancel_signal(*, signal: Signal, now: datetime) -> CopyOrder | None:
    """Cancel what rests of the master's order: the order that must be canceled at the venue, if any."""
    with transaction.atomic(durable=True):
        order = (
            CopyOrder.objects.select_for_update(no_key=True).filter(signal=signal, subscription=None).first()
        )
        if order is None or order.is_final:
            return None
        order.cancel_requested_at = order.updated_at = now
        if order.status != Status.PENDING:
            # The look-up of an order that is to be canceled cancels it.
            order.look_up_at = now
            order.save(update_fields=["cancel_requested_at", "updated_at", "look_up_at"])
            return order
        # It has not left yet, and its row is locked: it never will.
        order.status, order.finished_at = Status.CANCELED, now
        order.reason_code = Reason.CANCELED_BY_MASTER
        order.save()
        Signal.objects.filter(pk=signal.pk, number=None).update(
            status=Signal.Status.CANCELED, reason_code=Reason.CANCELED_BY_MASTER
        )
        return None


def release_parked_exits(*, user_id: int, now: datetime) -> list[int]:
    """Make due what a freeze holds back of a person's exits; returned: the orders to enqueue after this.

    What another switch still holds back waits again at its claim.
    """
    parked = CopyOrder.objects.filter(
        status=Status.PENDING, kind=CopyOrder.Kind.EXIT, reason_code=Reason.KILL_SWITCH
    )
    with transaction.atomic(durable=True):
        # Claims lock in this order too.
        rows = parked.of_follower(user_id).select_for_update(of=("self",), no_key=True).order_by("pk")
        order_ids = list(rows.values_list("pk", flat=True))
        parked.filter(pk__in=order_ids).update(due_at=now, updated_at=now)
    return order_ids


def _known(strategy: Strategy, request: Request) -> Signal | None:
    signal = Signal.objects.filter(strategy=strategy, client_signal_id=request.client_signal_id).first()
    if signal is None:
        return None
    before = Request(
        client_signal_id=signal.client_signal_id,
        symbol=signal.symbol,
        side=signal.side,
        type=signal.requested_type,
        amount=signal.requested_amount or Decimal(0),
        price=signal.requested_price,
    )
    if before != request:
        raise Conflict(IDEMPOTENCY_CONFLICT)
    return signal


def _require_open(strategy: Strategy) -> None:
    if strategy.status != Strategy.Status.PUBLISHED:
        raise Conflict(NOT_PUBLISHED)
    account = strategy.exchange_account
    if account.disconnected_at or account.status == ExchangeAccount.Status.INVALID:
        raise Conflict(ACCOUNT_INVALID)


def check_request(strategy: Strategy, request: Request, now: datetime) -> None:
    """Whether a signal like this would be taken; raises the refusal."""
    _require_open(strategy)
    if request.symbol not in strategy.symbols:
        raise invalid(SYMBOL_NOT_IN_STRATEGY, attr="symbol")
    if request.type == "limit" and request.price is None:
        raise invalid(codes.REQUIRED, "A limit order needs its price.", attr="price")
    if request.type == "market" and request.price is not None:
        raise invalid(PRICE_ONLY_FOR_LIMIT, attr="price")
    exchange = strategy.exchange_account.exchange
    rules = market_rules(exchange).get(request.symbol)
    if rules is None or not rules.active:
        raise invalid(SYMBOL_NOT_LISTED, attr="symbol")
    _check_size(request, rules, request.price or _mark(exchange, request.symbol, now))


def _check_size(request: Request, rules: MarketRules, price: Decimal | None) -> None:
    """By the venue's filters. Without a price (market order, no fresh mark) the venue judges the notional."""
    if round_down(request.amount, rules.lot_step) != request.amount:
        raise invalid(NOT_ON_LOT_STEP, f"The lot step is {plain(rules.lot_step)}.", attr="amount")
    if request.price is not None and round_down(request.price, rules.tick_size) != request.price:
        raise invalid(NOT_ON_TICK_SIZE, f"The tick size is {plain(rules.tick_size)}.", attr="price")
    if request.amount < rules.min_quantity:
        raise invalid(BELOW_MINIMUM, f"At least {plain(rules.min_quantity)} {rules.base}.", attr="amount")
    if price is not None and EXACT.multiply(request.amount, price) < rules.min_notional:
        raise invalid(
            BELOW_MINIMUM, f"Worth at least {plain(rules.min_notional)} {rules.quote}.", attr="amount"
        )
    most = rules.max_market_quantity if request.type == "market" else rules.max_quantity
    if most and request.amount > most:
        raise invalid(ABOVE_MAXIMUM, f"At most {plain(most)} {rules.base}.", attr="amount")


def _mark(exchange: str, symbol: str, now: datetime) -> Decimal | None:
    mark = Mark.objects.fresh(now=now).filter(exchange=exchange, symbol=symbol).first()
    return mark.price if mark else None


def _signal(strategy: Strategy, request: Request, source: str, now: datetime) -> Signal:
    return Signal.objects.create(
        strategy=strategy,
        symbol=request.symbol,
        side=request.side,
        amount=0,
        source=source,
        status=Signal.Status.PLACING,
        client_signal_id=request.client_signal_id,
        requested_type=request.type,
        requested_amount=request.amount,
        requested_price=request.price,
        created_at=now,
    )


def _order(signal: Signal, strategy: Strategy, request: Request, now: datetime) -> CopyOrder:
    origin = CopyOrder.Origin.MASTER
    return CopyOrder.objects.create(
        origin=origin,
        origin_number=signal.pk,
        strategy=strategy,
        signal=signal,
        exchange_account_id=strategy.exchange_account_id,
        written_in=identity(),
        client_order_id=client_order_id(
            origin=origin, origin_number=signal.pk, owner=signal.pk, symbol=request.symbol, part=1
        ),
        kind=CopyOrder.Kind.ENTRY if request.side == "buy" else CopyOrder.Kind.EXIT,
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        price=request.price,
        status=Status.PENDING,
        target_change=request.amount,
        # Bought or sold late, it would not be what the master meant; a limit order says its own price.
        expires_at=None if request.price else now + timedelta(seconds=strategy.max_signal_age_seconds),
        due_at=now,
        created_at=now,
        updated_at=now,
    )
