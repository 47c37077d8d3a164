"""What a venue's answer does to an order: a table, applied to the row in memory.

Only what is listed as final or surely not placed is treated so; everything else is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from exchanges.errors import (
    BadCredentials,
    DuplicateOrder,
    ExchangeError,
    FilterRefused,
    InsufficientFunds,
    NotPlaced,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    SymbolUnknown,
)
from exchanges.types import OrderReport, OrderType
from execution.models import CopyOrder
from execution.orders import Order
from execution.placing import Outcome
from execution.reasons import Reason
from execution.states import AT_THE_VENUE, Status, may_move

log = structlog.get_logger(__name__)

ZERO = Decimal(0)
FIRST_LOOK_UP = timedelta(seconds=1)
OPEN_LOOK_UP = timedelta(seconds=30)
SHORTEST_BACKOFF = timedelta(milliseconds=250)
LONGEST_BACKOFF = timedelta(seconds=30)
# A refused exit waits this long for the venue's rules; the message that reads them sends it at once.
RULES_BACKOFF = timedelta(seconds=5)
# What only a person can change is tried again this often.
REFUSED_BACKOFF = timedelta(minutes=10)
MOST_ATTEMPTS_KEPT = 20


def apply(outcome: Outcome, order: Order, now: datetime) -> None:
    if outcome.report is not None:
        _apply_report(order, outcome.report, now)
    elif outcome.error is not None and outcome.attempt == order.attempt:
        if order.status in (Status.SUBMITTING, Status.UNKNOWN):
            _apply_error(order, outcome.error, now)
        elif order.status in AT_THE_VENUE:
            _ask_again(order, outcome.error, now)


def _apply_report(order: Order, report: OrderReport, now: datetime) -> None:
    start = order.status
    if order.subscription_id is None and report.filled > order.filled_amount:
        order.filled_amount = report.filled
        order.filled_cost = report.filled * (report.average_price or ZERO)
    if report.requested > (order.requested_amount or ZERO):
        # Of an earlier attempt, or of a claim that this database has lost.
        order.requested_amount = report.requested
    order.claimed_at = order.claimed_at or now
    order.venue_order_id = report.venue_order_id or order.venue_order_id
    order.acknowledged_at = order.acknowledged_at or now
    # An order is final only when every fill that the venue counts is in the books.
    all_booked = order.filled_amount >= report.filled
    is_final = report.is_final and all_booked
    _move(order, _state(order, is_final=is_final), now)
    if order.status != start:
        _explain(order)
    # What was given up here and goes on there is asked about too, until the venue's last word.
    is_over = is_final or order.status == Status.FILLED
    # A cancel that came while this was on its way is still to be done.
    rests = all_booked and not order.cancel_requested_at
    order.look_up_at = None if is_over else now + (OPEN_LOOK_UP if rests else FIRST_LOOK_UP)
    if order.is_final and not all_booked:
        log.error("fills_not_told", order_id=order.id, status=order.status, filled=str(report.filled))


def _explain(order: Order) -> None:
    """What it said of the state that it left is no longer true."""
    is_canceled = order.status == Status.CANCELED
    order.reason_code, order.reason_text = _why_canceled(order) if is_canceled else "", ""


def _why_canceled(order: Order) -> Reason:
    if order.cancel_requested_at:
        return Reason.CANCELED_BY_MASTER
    return Reason.BEYOND_SLIPPAGE if order.kind == CopyOrder.Kind.ENTRY else Reason.PARTLY_FILLED


def _state(order: Order, *, is_final: bool) -> Status:
    """Decided by filled against requested, never by a venue's word for it."""
    if order.requested_amount and order.filled_amount >= order.requested_amount:
        return Status.FILLED
    if order.is_final:
        # Given up, and yet the venue had filled a part.
        return Status.CANCELED if order.filled_amount else Status(order.status)
    if is_final:
        return Status.CANCELED
    return Status.PARTIALLY_FILLED if order.filled_amount else Status.OPEN


def _apply_error(order: Order, error: ExchangeError, now: datetime) -> None:
    answer = next((answer for kind, answer in _ANSWERS if isinstance(error, kind)), _becomes_unknown)
    answer(order, error, now)
    if order.status == Status.PENDING:
        _remember_attempt(order, error, now)


def _ask_again(order: Order, error: ExchangeError, now: datetime) -> None:
    """The venue had acknowledged it: an error that comes later undoes nothing, but is worth a question."""
    log.warning("error_after_acknowledgement", order_id=order.id, status=order.status, code=error.code)
    soon = now + FIRST_LOOK_UP
    order.look_up_at = min(order.look_up_at or soon, soon)


def _remember_attempt(order: Order, error: ExchangeError, now: datetime) -> None:
    attempt = {
        "number": order.attempt,
        "submitted_at": order.submitted_at.isoformat() if order.submitted_at else None,
        "answered_at": now.isoformat(),
        "outcome": "refused" if isinstance(error, Rejected) else "not_placed",
        "reason": str(order.reason_code),
        "code": error.code,
        "text": error.text[:300],
    }
    order.earlier_attempts = [*(order.earlier_attempts or []), attempt][-MOST_ATTEMPTS_KEPT:]


def _becomes_unknown(order: Order, error: ExchangeError, now: datetime) -> None:
    _move(order, Status.UNKNOWN, now)
    order.look_up_at = now + FIRST_LOOK_UP


def _becomes_pending_again(order: Order, error: ExchangeError, now: datetime) -> None:
    """Surely not placed: try again later, with the venue's own pause if it named one."""
    if order.cancel_requested_at:
        _move(order, Status.CANCELED, now)
        order.look_up_at = None
        order.reason_code = Reason.CANCELED_BY_MASTER
        return
    _move(order, Status.PENDING, now)
    order.due_at = now + _backoff(order.attempt, error)
    order.look_up_at = None
    order.reason_code, order.reason_text = Reason.WAITING_FOR_VENUE, error.text[:300]


def _becomes_rejected(order: Order, error: ExchangeError, now: datetime) -> None:
    if order.kind == CopyOrder.Kind.EXIT and order.subscription_id:
        return _exit_refused(order, error, now)
    return _end_rejected(order, error, now)


def _exit_refused(order: Order, error: ExchangeError, now: datetime) -> None:
    """An exit is not allowed to end here: by fresh rules, then by another type, then a person is asked."""
    _becomes_pending_again(order, error, now)
    if isinstance(error, InsufficientFunds):
        return
    if not order.refusals:
        order.due_at = now + RULES_BACKOFF
    elif order.type == OrderType.MARKET and _is_about_price(error):
        # At the edge of the price band, which the claim sets by the price of that moment.
        order.type = OrderType.LIMIT_IOC
    else:
        order.reason_code, order.due_at = Reason.EXIT_REFUSED, now + REFUSED_BACKOFF
        if all(attempt["reason"] != Reason.EXIT_REFUSED for attempt in order.refusals):
            log.error("exit_refused", order_id=order.id, code=error.code, text=error.text[:300])


def _is_about_price(error: ExchangeError) -> bool:
    """Whether the venue minds the market order or its price, rather than the quantity."""
    text = error.text.lower()
    return "price" in text or ("market" in text and "lot" not in text)


def _end_rejected(order: Order, error: ExchangeError, now: datetime) -> None:
    _move(order, Status.REJECTED, now)
    order.look_up_at = None
    order.reason_code = next(reason for kind, reason in _REJECTIONS if isinstance(error, kind))
    order.reason_text = f"{error.text} ({error.code})"[:300] if error.code else error.text[:300]


_Answer = Callable[[Order, ExchangeError, datetime], None]
# First match wins; whatever is not listed is unknown.
_ANSWERS: tuple[tuple[type[ExchangeError], _Answer], ...] = (
    (DuplicateOrder, _becomes_unknown),
    (OutcomeUnknown, _becomes_unknown),
    (NotPlaced, _becomes_pending_again),
    (BadCredentials, _end_rejected),
    (Rejected, _becomes_rejected),
)
_REJECTIONS: tuple[tuple[type[ExchangeError], Reason], ...] = (
    (InsufficientFunds, Reason.INSUFFICIENT_FUNDS),
    (FilterRefused, Reason.FILTER_REFUSED),
    (SymbolUnknown, Reason.SYMBOL_NOT_LISTED),
    (BadCredentials, Reason.BAD_CREDENTIALS),
    (ExchangeError, Reason.VENUE_REJECTED),
)


def _backoff(attempt: int, error: ExchangeError) -> timedelta:
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return timedelta(seconds=error.retry_after)
    doublings: int = 2 ** min(attempt, 10)
    return min(SHORTEST_BACKOFF * doublings, LONGEST_BACKOFF)


def _move(order: Order, end: Status, now: datetime) -> None:
    start = Status(order.status)
    if start == end:
        return
    if not may_move(start=start, end=end):
        log.warning("move_refused", order_id=order.id, start=start, end=end)
        return
    order.status = end
    if order.is_final:
        order.finished_at = now
