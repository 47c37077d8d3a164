"""Figures of strategies: stories worked by hand, and the same arithmetic done by numpy."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import performance, round_trips
from ledger.performance import Deal, Flow, Price, Worth
from ledger.pnl import Execution, Holding, book
from ledger.round_trips import Trip

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def deal(
    side: str, quantity: str, price: str, *, day: float = 0, fee: str = "0", realised: str = "0"
) -> Deal:
    amount, at_price = Decimal(quantity), Decimal(price)
    return Deal(
        at=START + DAY * day,
        symbol="BTC/USDT",
        side=side,
        price=at_price,
        quantity=amount,
        notional=amount * at_price,
        fee_in_base=Decimal(0),
        fee_in_cash=Decimal(fee),
        realised_pnl=Decimal(realised),
    )


def price(at_price: str, *, day: float) -> Price:
    return Price(START + DAY * day, "BTC/USDT", Decimal(at_price))


def worth(deals=(), flows=(), prices=(), *, days: int, opening: str = "1000") -> list[Worth]:
    return performance.worth_over_time(
        opening=Decimal(opening),
        deals=deals,
        flows=flows,
        prices=prices,
        moments=[START + DAY * n for n in range(days + 1)],
    )


def test_a_purchase_that_rises_by_a_tenth_with_half_the_money_makes_a_twentieth() -> None:
    rows = worth([deal("buy", "5", "100")], prices=[price("110", day=1)], days=1)
    assert [row.equity for row in rows] == [1000, 1050]
    assert [row.exposed for row in rows] == [500, 550]
    assert performance.growth(rows) == [1, Decimal("1.05")]
    assert performance.result_of(rows) == 50


def test_a_fee_is_part_of_the_result() -> None:
    rows = worth([deal("buy", "5", "100", fee="0.5", day=0.5)], days=1)
    assert performance.result_of(rows) == Decimal("-0.5")


def test_a_deposit_and_a_withdrawal_change_neither_the_return_nor_the_result_nor_the_drop() -> None:
    deals, prices = [deal("buy", "5", "100")], [price("110", day=1), price("99", day=3)]
    flows = [Flow(START + DAY * 1.5, Decimal(9000)), Flow(START + DAY * 2, Decimal(-9500))]
    alone, moved = worth(deals, (), prices, days=2), worth(deals, flows, prices, days=2)
    assert moved[-1].equity == 550
    assert performance.growth(moved)[-1] == performance.growth(alone)[-1] == Decimal("1.05")
    assert performance.result_of(moved) == performance.result_of(alone) == 50
    assert performance.worst_drop([row.at for row in moved], performance.growth(moved)) is None


def test_returns_before_and_after_a_deposit_are_linked_by_what_worked_in_each() -> None:
    # +10 % on 1,000, then 1,000 more come and the coins of 1,100 lose a tenth of the 2,100.
    deals = [deal("buy", "10", "100")]
    rows = worth(
        deals,
        flows=[Flow(START + DAY, Decimal(1000))],
        prices=[price("110", day=1), price("89", day=2)],
        days=2,
    )
    assert performance.growth(rows) == [1, Decimal("1.1"), Decimal("0.99")]
    assert performance.result_of(rows) == -110


def test_coins_that_the_strategy_never_bought_are_not_its_result() -> None:
    rows = worth([deal("sell", "3", "100", day=0.5)], days=1)
    assert performance.result_of(rows) == 0


def test_the_worst_drop_is_told_with_its_peak_and_its_low() -> None:
    moments = [START + DAY * n for n in range(6)]
    index = [Decimal(v) for v in ("1", "1.2", "0.9", "1.5", "1.2", "1.6")]
    drop = performance.worst_drop(moments, index)
    assert drop == performance.Drop(Decimal("0.25"), moments[1], moments[2])


def test_days_and_months_begin_at_midnight_utc() -> None:
    moments = [START - DAY, START - timedelta(seconds=1), START + DAY * 0.5, START + DAY]
    index = [Decimal(v) for v in ("1", "1.1", "1.1", "1.32")]
    days = performance.returns_by(moments, index)
    assert [str(day) for day, _ in days] == ["2026-02-28", "2026-03-01", "2026-03-02"]
    assert [value for _, value in days] == [Decimal("0.1"), 0, Decimal("0.2")]
    months = performance.returns_by(moments, index, months=True)
    assert months == [(moments[0].date().replace(day=1), Decimal("0.1")), (START.date(), Decimal("0.2"))]


def test_a_round_trip_ends_when_no_more_than_dust_is_left() -> None:
    trips = round_trips.round_trips(
        [
            deal("buy", "1", "100"),
            deal("buy", "1", "90", day=1),
            deal("sell", "1", "120", day=2, realised="25"),
            deal("sell", "0.99", "80", day=3, realised="-15"),
            deal("buy", "1", "100", day=4),
        ]
    )
    assert trips == [Trip("BTC/USDT", START, START + DAY * 3, Decimal(10))]


def test_win_rate_profit_factor_and_holding_time() -> None:
    results = [30, -10, 10, -10, 0]
    trips = [Trip("X/Y", START, START + DAY * (n + 1), Decimal(r)) for n, r in enumerate(results)]
    assert round_trips.win_rate(trips) == Decimal("0.4")
    assert round_trips.profit_factor(trips) == 2
    assert round_trips.average_holding(trips) == DAY * 3
    assert round_trips.win_rate([]) is round_trips.profit_factor(trips[:1]) is None


def test_exposure_is_weighed_by_time() -> None:
    rows = worth([deal("buy", "5", "100", day=1), deal("sell", "5", "100", day=2)], days=4)
    assert performance.exposure(rows) == Decimal("0.125")


def test_trades_per_week_need_a_day() -> None:
    assert performance.trades_per_week(6, DAY * 14) == 3
    assert performance.trades_per_week(6, DAY / 2) is None


def test_too_few_days_and_days_without_scatter_have_no_ratio() -> None:
    assert performance.sharpe([Decimal("0.01"), Decimal("-0.01")] * 3) is None
    assert performance.sharpe([Decimal("0.01")] * 30) is None
    assert performance.sortino([Decimal("0.01")] * 30) is None


RETURNS = st.lists(st.decimals("-0.3", "0.3", places=4), min_size=7, max_size=60)


@given(RETURNS)
def test_ratios_are_those_of_numpy(returns: list[Decimal]) -> None:
    values = np.array([float(value) for value in returns])
    for ours, scatter in (
        (performance.sharpe(returns), np.std(values, ddof=1)),
        (performance.sortino(returns), np.sqrt(np.mean(np.minimum(values, 0) ** 2))),
    ):
        if ours is None:
            assert scatter < 1e-9
        else:
            assert float(ours) == pytest.approx(np.mean(values) / scatter * np.sqrt(365), abs=1e-3)


@given(RETURNS)
def test_the_worst_drop_is_that_of_numpy(returns: list[Decimal]) -> None:
    index = [Decimal(1)]
    for value in returns:
        index.append(index[-1] * (1 + value))
    values = np.array([float(value) for value in index])
    peaks = np.maximum.accumulate(values)
    drop = performance.worst_drop([START + DAY * n for n in range(len(index))], index)
    assert float(drop.fraction if drop else 0) == pytest.approx(np.max((peaks - values) / peaks), abs=1e-7)


@st.composite
def stories(draw):
    """Some days, on each of which the price moves, a deal may happen, and money may come or go."""
    rows, at_price = [], Decimal(100)
    for n in range(draw(st.integers(2, 12))):
        at_price = max(at_price + draw(st.integers(-20, 20)), Decimal(10))
        side = draw(st.sampled_from(["buy", "sell", ""]))
        quantity, flow = Decimal(draw(st.integers(1, 20))) / 10, Decimal(draw(st.integers(-100, 300)))
        rows.append((n, at_price, side, quantity, flow if draw(st.booleans()) else Decimal(0)))
    return rows


@given(stories())
def test_the_return_is_that_of_sub_periods_linked_by_numpy_and_the_result_that_of_the_books(rows) -> None:
    deals, flows, prices, holding = [], [], [], Holding(*[Decimal(0)] * 4)
    values, factors = [], []
    cash, last = 1000.0, None
    for n, at_price, side, quantity, flow in rows:
        prices.append(price(str(at_price), day=n))
        if side:
            execution = Execution(side, at_price, quantity, quantity, "USDT", "BTC", "USDT", None)
            before = holding
            booked = book(holding, execution)
            holding = booked.holding
            deals.append(
                deal(
                    side,
                    str(quantity),
                    str(at_price),
                    day=n,
                    fee=str(quantity),
                    realised=str(booked.realised_pnl),
                )
            )
            part = 1.0 if side == "buy" else min(1.0, float(before.held / quantity))
            cash += float(booked.cash_change) * part
        value = cash + float(holding.held * at_price)
        if last is not None:
            factors.append(value / last if last > 0 else 1.0)
        if flow:
            flows.append(Flow(START + DAY * n, flow))
            cash, value = cash + float(flow), value + float(flow)
        values.append(value)
        last = value
    story = worth(deals, flows, prices, days=len(rows) - 1)
    assert [float(row.equity) for row in story] == pytest.approx(values)
    expected = np.prod(np.maximum(np.array(factors), 0))
    assert float(performance.growth(story)[-1]) == pytest.approx(expected, rel=1e-9)
    first = performance.result_of(story[:1]) + story[0].equity - 1000 - story[0].flows
    booked_result = holding.realised_pnl + holding.held * rows[-1][1] - holding.cost
    assert float(performance.result_of(story) + first) == pytest.approx(float(booked_result))


@given(st.integers(1, 900), st.integers(2, 60))
def test_a_thinned_curve_keeps_its_ends_and_its_worst_drop(count: int, most: int) -> None:
    moments = [START + timedelta(minutes=n) for n in range(count)]
    index = [Decimal(1) + Decimal((n * 37) % 101) / 100 for n in range(count)]
    kept = performance.thin(moments, index, most=most)
    assert len(kept) <= most + 3
    assert kept[0] == 0 and kept[-1] == count - 1
    whole = performance.worst_drop(moments, index)
    assert performance.worst_drop([moments[n] for n in kept], [index[n] for n in kept]) == whole
