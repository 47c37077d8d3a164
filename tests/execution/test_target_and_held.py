"""A sub-position under any interleaving of trades, answers and fees: it never sells what it does not hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_UP, Decimal, localcontext
from fractions import Fraction
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exchanges.errors import ExchangeError, FilterRefused, InsufficientFunds, NotPlaced, OutcomeUnknown
from exchanges.rounding import EXACT, meets_minimum, round_down
from exchanges.types import Account, Credentials, FillReport, MarketRules, OrderReport, Side
from execution import settling
from execution.answers import apply
from execution.claiming import decide_all
from execution.decisions import Facts
from execution.models import CopyOrder
from execution.orders import Order
from execution.placing import Outcome
from execution.states import AT_THE_VENUE, Status
from execution.usage import Allowances
from ledger.booking import Entry, SubPosition, apply_fill
from subscriptions.relations import Relation
from wallets.access import Access

START = datetime(2026, 3, 1, tzinfo=UTC)
ALLOCATION = Decimal(1000)
PRICE = Decimal(100)
RULES = MarketRules(
    symbol="ABC/USDT",
    base="ABC",
    quote="USDT",
    active=True,
    lot_step=Decimal("0.001"),
    tick_size=Decimal("0.01"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(1000),
    max_market_quantity=Decimal(3),
    min_notional=Decimal(5),
)
MARKS = {("paper", "BNB/USDT"): Decimal(500)}
KEY = (1, 1, "ABC/USDT")
PLACES = Decimal(1).scaleb(-18)


def fee_of(side: str, kind: str, quantity: Decimal, price: Decimal) -> tuple[Decimal, str]:
    """A venue's fee of a thousandth; of a sale in quote where it is not paid in another coin."""
    value = quantity * price * RULES.taker_fee
    if kind == "third":
        return (value / MARKS["paper", "BNB/USDT"]).quantize(PLACES), "BNB"
    if kind == "base" and side == "buy":
        return quantity * RULES.taker_fee, "ABC"
    return value, "USDT"


class OneCopy(RuleBasedStateMachine):
    """A follower's copy of one symbol: trades come, orders leave one at a time, answers come as they like."""

    @initialize()
    def begin(self) -> None:
        self.now = START
        self.position = SubPosition(1, 1, 1, "ABC/USDT", *[Decimal(0)] * 5)
        self.relation = Relation(
            id=1,
            follower_id=1,
            exchange_account_id=1,
            status="active",
            allocation=ALLOCATION,
            cash=ALLOCATION,
            reserved=Decimal(0),
            realised_pnl=Decimal(0),
            sizing_mode="proportional",
            sizing_value=Decimal(1),
            max_slippage_bps=None,
            symbols_blocked=[],
        )
        account = Account("paper", Credentials("key", "secret"))
        self.facts = Facts(
            relations={1: self.relation},
            accounts={1: Access(1, "paper", "", True, account)},
            rules={"paper": {"ABC/USDT": RULES}},
            allowances=Allowances(),
            stops=[],
            venue_now={"paper": START},
        )
        self.orders: list[Order] = []
        self.coins = self.money = Decimal(0)
        self.trades = 0
        self.is_closing = False

    # --- What happens to the copy ---

    def _add(self, kind: str, change: Decimal) -> None:
        number = len(self.orders) + 1
        is_entry = kind == "entry"
        self.orders.append(
            Order(
                origin="signal",
                origin_number=number,
                subscription_id=1,
                strategy_id=1,
                signal_id=number,
                exchange_account_id=1,
                client_order_id=f"c{number}",
                kind=kind,
                symbol="ABC/USDT",
                side="buy" if is_entry else "sell",
                type="limit_ioc" if is_entry else "market",
                target_change=change,
                due_at=self.now,
                id=number,
                price=PRICE if is_entry else None,
                master_price=PRICE,
                expires_at=self.now + timedelta(seconds=30) if is_entry else None,
                exchange="paper",
            )
        )

    @precondition(lambda self: not self.is_closing)
    @rule(thousandths=st.integers(1, 8000), tenths=st.integers(0, 9))
    def the_master_buys(self, thousandths: int, tenths: int) -> None:
        self._add("entry", Decimal(thousandths) / 1000 + Decimal(tenths) / 10_000)

    @rule(fraction=st.fractions(0, 1, max_denominator=7))
    def the_master_sells(self, fraction: Fraction) -> None:
        part = Decimal(fraction.numerator) / fraction.denominator
        self._add("exit", part.quantize(PLACES))

    @rule()
    def all_is_sold(self) -> None:
        self._add("exit", Decimal(1))

    @rule(status=st.sampled_from(["active", "paused", "closing"]))
    def its_owner_changes_it(self, status: str) -> None:
        self.is_closing = self.is_closing or status == "closing"
        self.relation.status = "closing" if self.is_closing else status
        if status == "closing":
            self._add("exit", Decimal(1))

    @rule(seconds=st.integers(1, 40))
    def time_goes_on(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.facts.venue_now = {"paper": self.now}

    # --- What happens to its orders ---

    @property
    def _first(self) -> Order | None:
        return next((order for order in self.orders if not order.is_final), None)

    def _at_venue(self) -> bool:
        return self._first is not None and self._first.status in AT_THE_VENUE

    @precondition(lambda self: self._first is not None and self._first.status == Status.PENDING)
    @rule()
    def the_next_order_leaves(self) -> None:
        order = self._first
        assert order is not None
        positions = {KEY: self.position}
        with (
            localcontext(EXACT),
            mock.patch("execution.claiming.positions_for", lambda keys: positions),
            mock.patch("execution.claiming._marks", lambda priced, accounts: {}),
        ):
            decide_all([order], self.facts, worker="w", now=self.now)
        if order.status == Status.SUBMITTING:
            assert order.requested_amount is not None
            assert order.requested_amount % RULES.lot_step == 0
            if order.side == "sell":
                assert order.requested_amount <= self.position.held

    @precondition(lambda self: self._at_venue())
    @rule(error=st.sampled_from([FilterRefused, InsufficientFunds, NotPlaced, OutcomeUnknown]))
    def the_venue_does_not_take_it(self, error: type[ExchangeError]) -> None:
        assert self._first is not None
        if self._first.filled_amount == 0 and self._first.status in (Status.SUBMITTING, Status.UNKNOWN):
            self._settle(self._first, None, error("no"))

    @precondition(lambda self: self._at_venue())
    @rule(
        part=st.fractions(0, 1, max_denominator=5),
        fee=st.sampled_from(["quote", "base", "third"]),
        is_final=st.booleans(),
        price=st.sampled_from([PRICE, PRICE - 3]),
    )
    def the_venue_fills_it(self, part: Fraction, fee: str, is_final: bool, price: Decimal) -> None:
        order = self._first
        assert order is not None and order.requested_amount is not None
        fraction = Decimal(part.numerator) / part.denominator
        rest = order.requested_amount - order.filled_amount
        quantity = round_down(rest * fraction, RULES.lot_step)
        fills = (self._fill(order, quantity, fee, price),) if quantity else ()
        self._settle(order, self._report(order, fills, is_final=is_final), None)

    def _fill(self, order: Order, quantity: Decimal, fee: str, price: Decimal) -> FillReport:
        self.trades += 1
        paid, asset = fee_of(order.side, fee, quantity, price)
        return FillReport(
            symbol="ABC/USDT",
            venue_order_id=f"v{order.id}",
            trade_id=str(self.trades),
            client_order_id=order.client_order_id,
            side=Side(order.side),
            price=price,
            quantity=quantity,
            fee=paid,
            fee_asset=asset,
            at=self.now,
        )

    def _report(self, order: Order, fills: tuple[FillReport, ...], *, is_final: bool) -> OrderReport:
        filled = order.filled_amount + sum((one.quantity for one in fills), Decimal(0))
        requested = order.requested_amount or Decimal(0)
        return OrderReport(
            client_order_id=order.client_order_id,
            venue_order_id=f"v{order.id}",
            symbol="ABC/USDT",
            side=Side(order.side),
            requested=requested,
            filled=filled,
            average_price=PRICE,
            is_final=is_final or filled == requested,
            fills=fills,
            at=self.now,
        )

    def _settle(self, order: Order, report: OrderReport | None, error: ExchangeError | None) -> None:
        """The steps of `settle` without its tables."""
        with localcontext(EXACT), mock.patch.object(settling, "rules_of", lambda venues: self.facts.rules):
            for fill in report.fills if report else ():
                entry = Entry(fill, 1, "paper", 1, self.relation)
                apply_fill(entry, self.position, MARKS)
                settling.count_fill(fill, order, self.position, self.relation)
                self._remember(fill)
            apply(Outcome(order.id, 1, order.attempt, report, error, self.now), order, self.now)
            finished = [order] if order.is_final else []
            settling.release_cash([order], {1: self.relation})
            for part in settling._settle_targets(finished, {KEY: self.position}, self.now):
                part.id, part.exchange = len(self.orders) + 1, "paper"
                self.orders.append(part)

    def _remember(self, fill: FillReport) -> None:
        sign = 1 if fill.side == "buy" else -1
        in_base = fill.fee if fill.fee_asset == "ABC" else Decimal(0)
        price_of_fee = {"USDT": Decimal(1), "BNB": MARKS["paper", "BNB/USDT"], "ABC": Decimal(0)}
        self.coins += sign * fill.quantity - in_base
        self.money -= sign * fill.quantity * fill.price + fill.fee * price_of_fee[fill.fee_asset]

    # --- What always holds ---

    @invariant()
    def it_holds_what_was_filled_less_fees_in_the_coin(self) -> None:
        assert self.position.held == self.coins >= 0
        assert self.position.cost >= 0
        assert self.position.target >= 0

    @invariant()
    def its_money_adds_up_and_never_runs_out(self) -> None:
        assert self.relation.cash == ALLOCATION + self.money
        under_way = [row for row in self.orders if row.status in AT_THE_VENUE]
        assert self.relation.reserved == sum((row.reserved for row in under_way), Decimal(0))
        # A fee in a third coin is valued to the last of eighteen places.
        assert self.relation.available >= -(self.trades + 1) * 1000 * PLACES

    @invariant()
    def what_is_filled_is_reserved_no_more(self) -> None:
        for row in self.orders:
            asked = row.requested_amount or Decimal(0)
            most = (asked - row.filled_amount) * (row.price or PRICE) * (1 + RULES.taker_fee)
            assert row.reserved <= (most if row.status in AT_THE_VENUE else 0) + (self.trades + 1) * PLACES

    @invariant()
    def its_result_is_what_its_money_says(self) -> None:
        value = self.position.cost + self.relation.cash - self.relation.realised_pnl
        assert abs(value - ALLOCATION) <= self.trades * 1000 * PLACES

    @invariant()
    def one_order_is_under_way_at_most(self) -> None:
        assert sum(order.status in AT_THE_VENUE for order in self.orders) <= 1

    @invariant()
    def nothing_is_chased(self) -> None:
        """Once all orders are final, what is above what is held could not be bought for its size."""
        if self._first is None and self.orders:
            short = self.position.target - self.position.held
            largest = RULES.min_notional / (PRICE - 3) + RULES.lot_step
            assert short < largest.quantize(PLACES, ROUND_UP)

    @invariant()
    def a_full_exit_leaves_dust_or_says_why(self) -> None:
        last = self.orders[-1] if self.orders else None
        if self._first is None and last and last.kind == CopyOrder.Kind.EXIT and self.position.target == 0:
            rest = round_down(self.position.held, RULES.lot_step)
            assert not meets_minimum(rest, PRICE - 3, RULES) or last.reason_code not in ("", "partly_filled")


OneCopy.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestOneCopy = OneCopy.TestCase
