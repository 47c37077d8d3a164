"""Whatever a venue answers, in any order, twice and late: an order keeps its table and is never forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exchanges.errors import (
    BadCredentials,
    ClockSkewed,
    DuplicateOrder,
    ExchangeError,
    FilterRefused,
    InsufficientFunds,
    NotPlaced,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    SymbolUnknown,
    Unavailable,
)
from exchanges.types import FillReport, OrderReport, Side
from execution.answers import apply
from execution.decisions import _end, _take
from execution.orders import Order
from execution.placing import Outcome
from execution.reasons import Reason
from execution.states import AT_THE_VENUE, FINAL, Status, may_move

START = datetime(2026, 3, 1, tzinfo=UTC)
PRICE = Decimal(100)
ERRORS: list[ExchangeError] = [
    kind("The venue says no.", code="1")
    for kind in (
        BadCredentials,
        ClockSkewed,
        DuplicateOrder,
        FilterRefused,
        InsufficientFunds,
        NotPlaced,
        OutcomeUnknown,
        RateLimited,
        Rejected,
        SymbolUnknown,
        Unavailable,
    )
]
# What an order may say of itself in each state, where it says anything.
FITTING: dict[Status, set[str]] = {
    Status.PENDING: {Reason.WAITING_FOR_VENUE, Reason.EXIT_REFUSED},
    Status.SUBMITTING: {""},
    Status.UNKNOWN: {""},
    Status.OPEN: {""},
    Status.PARTIALLY_FILLED: {""},
    Status.FILLED: {""},
    Status.CANCELED: {Reason.BEYOND_SLIPPAGE, Reason.PARTLY_FILLED, Reason.CANCELED_BY_MASTER},
    Status.REJECTED: {
        Reason.INSUFFICIENT_FUNDS,
        Reason.FILTER_REFUSED,
        Reason.SYMBOL_NOT_LISTED,
        Reason.BAD_CREDENTIALS,
        Reason.VENUE_REJECTED,
    },
    Status.SKIPPED: {Reason.PAUSED},
    Status.EXPIRED: {Reason.NOT_PLACED_IN_TIME},
}


def new_order(*, kind: str = "entry", subscription_id: int | None = 7) -> Order:
    return Order(
        origin="signal",
        origin_number=1,
        subscription_id=subscription_id,
        strategy_id=1,
        signal_id=1,
        exchange_account_id=1,
        client_order_id="cabc",
        kind=kind,
        symbol="BTC/USDT",
        side="buy" if kind == "entry" else "sell",
        type="limit_ioc" if kind == "entry" else "market",
        target_change=Decimal(1),
        due_at=START,
        id=1,
    )


def claimed(order: Order, quantity: Decimal, now: datetime) -> Order:
    _take(order, quantity, now)
    order.claimed_at = order.submitted_at = now
    return order


def fill(number: int, quantity: Decimal) -> FillReport:
    return FillReport(
        symbol="BTC/USDT",
        venue_order_id="v1",
        trade_id=str(number),
        client_order_id="cabc",
        side=Side.BUY,
        price=PRICE,
        quantity=quantity,
        fee=Decimal(0),
        fee_asset="",
        at=START,
    )


def report(requested: Decimal, fills: tuple[FillReport, ...] = (), *, is_final: bool = False) -> OrderReport:
    filled = sum((one.quantity for one in fills), Decimal(0))
    return OrderReport(
        client_order_id="cabc",
        venue_order_id="v1",
        symbol="BTC/USDT",
        side=Side.BUY,
        requested=requested,
        filled=filled,
        average_price=PRICE if fills else None,
        is_final=is_final,
        fills=fills,
        at=START,
    )


def answer(order: Order, said: OrderReport | ExchangeError, *, attempt: int | None = None) -> Outcome:
    known, error = (said, None) if isinstance(said, OrderReport) else (None, said)
    number = order.attempt if attempt is None else attempt
    return Outcome(order.id, order.subscription_id, number, known, error, START)


class OneOrder(RuleBasedStateMachine):
    """An order, and what a venue may have said of it since: any of that arrives at any moment, again too."""

    @initialize(kind=st.sampled_from(["entry", "exit"]), is_follower=st.booleans())
    def begin(self, kind: str, is_follower: bool) -> None:
        self.now = START
        self.order = new_order(kind=kind, subscription_id=7 if is_follower else None)
        self.size = Decimal(0)
        self.fills: tuple[FillReport, ...] = ()
        self.is_over = False
        self.reports: list[OrderReport] = []
        self.booked: set[str] = set()
        self.before = replace(self.order)

    def _told(self, outcome: Outcome) -> None:
        self.before = replace(self.order)
        if outcome.report and self.order.subscription_id:
            for one in outcome.report.fills:
                if one.trade_id not in self.booked:
                    self.booked.add(one.trade_id)
                    self.order.filled_amount += one.quantity
        apply(outcome, self.order, self.now)

    @rule(seconds=st.integers(0, 40))
    def time_goes_on(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.order.status == Status.PENDING)
    @rule(quantity=st.integers(1, 5))
    def it_is_claimed(self, quantity: int) -> None:
        self.before = replace(self.order)
        claimed(self.order, Decimal(quantity), self.now)

    @precondition(lambda self: self.order.status == Status.PENDING and self.order.attempt)
    @rule(end=st.sampled_from([(Status.EXPIRED, Reason.NOT_PLACED_IN_TIME), (Status.SKIPPED, Reason.PAUSED)]))
    def it_is_given_up(self, end: tuple[Status, Reason]) -> None:
        self.before = replace(self.order)
        _end(self.order, *end, self.now)

    @precondition(lambda self: self.order.status in AT_THE_VENUE and self.order.subscription_id is None)
    @rule()
    def its_master_cancels(self) -> None:
        self.before = replace(self.order)
        self.order.cancel_requested_at = self.order.look_up_at = self.now

    @rule(size=st.integers(1, 5))
    def the_venue_takes_it(self, size: int) -> None:
        if not self.size:
            self.size = self.order.requested_amount or Decimal(size)
        self._remember()

    @precondition(lambda self: self.size and not self.is_over)
    @rule(part=st.integers(1, 5))
    def the_venue_fills_it(self, part: int) -> None:
        done = sum((one.quantity for one in self.fills), Decimal(0))
        quantity = min(Decimal(part), self.size - done)
        if quantity:
            self.fills += (fill(len(self.fills), quantity),)
        self.is_over = done + quantity == self.size
        self._remember()

    @precondition(lambda self: self.size)
    @rule()
    def the_venue_ends_it(self) -> None:
        self.is_over = True
        self._remember()

    def _remember(self) -> None:
        self.reports.append(report(self.size, self.fills, is_final=self.is_over))

    @precondition(lambda self: self.reports)
    @rule(data=st.data(), with_fills=st.booleans(), attempts_ago=st.integers(0, 1))
    def a_report_arrives(self, data: st.DataObject, with_fills: bool, attempts_ago: int) -> None:
        said = data.draw(st.sampled_from(self.reports))
        said = said if with_fills else replace(said, fills=())
        self._told(answer(self.order, said, attempt=self.order.attempt - attempts_ago))

    @rule(error=st.sampled_from(ERRORS), attempts_ago=st.integers(0, 1))
    def an_error_arrives(self, error: ExchangeError, attempts_ago: int) -> None:
        self._told(answer(self.order, error, attempt=self.order.attempt - attempts_ago))

    @invariant()
    def it_moved_as_the_table_says(self) -> None:
        start, end = Status(self.before.status), Status(self.order.status)
        assert start == end or may_move(start=start, end=end)

    @invariant()
    def it_is_on_a_work_list_until_it_is_final(self) -> None:
        if self.order.status in AT_THE_VENUE:
            assert self.order.look_up_at is not None
            assert self.order.claimed_at is not None
            assert self.order.requested_amount
        elif self.order.status == Status.PENDING:
            assert self.order.look_up_at is None

    @invariant()
    def what_it_has_been_told_is_not_undone(self) -> None:
        if self.before.status in (Status.OPEN, Status.PARTIALLY_FILLED):
            assert self.order.status in (Status.OPEN, Status.PARTIALLY_FILLED, Status.FILLED, Status.CANCELED)

    @invariant()
    def its_end_is_dated_and_certain(self) -> None:
        assert (self.order.finished_at is not None) == (self.order.status in FINAL)
        if self.before.status != Status.CANCELED and self.order.status == Status.CANCELED:
            assert self.order.cancel_requested_at or self.is_over

    @invariant()
    def its_reason_fits_its_state(self) -> None:
        fitting = FITTING[Status(self.order.status)]
        is_new = self.order.status == Status.PENDING and self.order.attempt == 0
        assert self.order.reason_code in fitting or (is_new and not self.order.reason_code)
        assert self.order.reason_code or not self.order.reason_text

    @invariant()
    def it_is_filled_when_all_of_it_is(self) -> None:
        requested = self.order.requested_amount
        assert self.order.filled_amount <= (requested or 0)
        is_whole = bool(requested) and self.order.filled_amount == requested
        assert (self.order.status == Status.FILLED) == is_whole
        if self.order.filled_amount:
            assert self.order.status in (Status.PARTIALLY_FILLED, Status.FILLED, Status.CANCELED)


OneOrder.TestCase.settings = settings(max_examples=120, stateful_step_count=20, deadline=None)
TestOneOrder = OneOrder.TestCase


def test_an_error_after_the_acknowledgement_does_not_take_an_order_off_the_look_ups() -> None:
    order = claimed(new_order(), Decimal(1), START)
    apply(answer(order, report(Decimal(1))), order, START)
    for error in ERRORS:
        apply(answer(order, error), order, START)
    assert (order.status, order.reason_code) == (Status.OPEN, "")
    assert order.look_up_at is not None


def test_an_order_found_after_all_says_no_more_that_it_waits() -> None:
    order = claimed(new_order(), Decimal(1), START)
    apply(answer(order, NotPlaced("maintenance")), order, START)
    assert order.reason_code == Reason.WAITING_FOR_VENUE
    apply(answer(order, report(Decimal(1))), order, START)
    assert (order.status, order.reason_code, order.reason_text) == (Status.OPEN, "", "")


def test_an_order_that_was_never_sized_here_takes_its_size_from_the_venue() -> None:
    order = new_order()
    apply(answer(order, report(Decimal(3))), order, START)
    assert (order.status, order.requested_amount, order.claimed_at) == (Status.OPEN, Decimal(3), START)


def test_a_fill_of_an_order_that_was_given_up_is_told_as_what_it_is() -> None:
    order = claimed(new_order(), Decimal(2), START)
    apply(answer(order, NotPlaced("not there")), order, START)
    _end(order, Status.EXPIRED, Reason.NOT_PLACED_IN_TIME, START)
    order.filled_amount = Decimal(1)
    apply(answer(order, report(Decimal(2), (fill(1, Decimal(1)),), is_final=True)), order, START)
    assert (order.status, order.reason_code) == (Status.CANCELED, Reason.BEYOND_SLIPPAGE)


def test_an_order_that_was_given_up_and_fills_in_parts_is_asked_about_until_the_venue_is_done() -> None:
    order = claimed(new_order(), Decimal(3), START)
    apply(answer(order, BadCredentials("the key is refused")), order, START)
    assert (order.status, order.look_up_at) == (Status.REJECTED, None)
    order.filled_amount = Decimal(1)
    apply(answer(order, report(Decimal(3), (fill(1, Decimal(1)),))), order, START)
    assert (order.status, order.look_up_at) == (Status.CANCELED, START + timedelta(seconds=30))
    apply(answer(order, report(Decimal(3), (fill(1, Decimal(1)),), is_final=True)), order, START)
    assert (order.status, order.look_up_at) == (Status.CANCELED, None)
