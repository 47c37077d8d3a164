"""Lots told as an accountant would tell them, and what holds for any history of fills."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.lots import disposals
from ledger.pnl import Execution, Holding, book

START = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = Holding(Decimal(0), Decimal(0), Decimal(0), Decimal(0))


def fill(side: str, quantity: str, price: str, fee: str = "0", fee_asset: str = "USDT") -> Execution:
    return Execution(
        side=side,
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=Decimal(fee),
        fee_asset=fee_asset,
        base="BTC",
        quote="USDT",
        fee_price=Decimal(500) if fee_asset == "BNB" else None,
    )


def days(*fills: Execution) -> list[tuple[datetime, Execution]]:
    return [(START + timedelta(days=number), one) for number, one in enumerate(fills)]


def test_a_sale_takes_the_oldest_coins_first() -> None:
    sold = list(disposals(days(fill("buy", "1", "100"), fill("buy", "1", "200"), fill("sell", "1.5", "300"))))
    assert [(part.quantity, part.cost, part.proceeds) for part in sold] == [
        (Decimal(1), Decimal(100), Decimal(300)),
        (Decimal("0.5"), Decimal(100), Decimal(150)),
    ]
    assert [part.acquired_at for part in sold] == [START, START + timedelta(days=1)]
    assert [part.gain for part in sold] == [200, 50]


def test_a_fee_in_the_bought_coin_is_part_of_what_the_rest_cost() -> None:
    (sold,) = disposals(
        days(fill("buy", "1", "100", "0.001", "BTC"), fill("sell", "0.999", "110", "0.10989"))
    )
    assert (sold.quantity, sold.cost, sold.gain) == (Decimal("0.999"), Decimal(100), Decimal("9.78011"))


def test_a_fee_in_a_third_coin_is_paid_at_its_price() -> None:
    (sold,) = disposals(days(fill("buy", "1", "100", "0.0002", "BNB"), fill("sell", "1", "100")))
    assert sold.gain == Decimal("-0.1")


def test_coins_that_were_never_bought_have_no_cost_and_no_date() -> None:
    (sold,) = disposals(days(fill("sell", "1", "100")))
    assert sold.acquired_at is None
    assert (sold.cost, sold.proceeds) == (Decimal(0), Decimal(100))


whole = st.integers(1, 10**6)
fills = st.builds(
    lambda side, quantity, price, fee, coin: fill(
        side, str(Decimal(quantity) / 10**4), str(Decimal(price) / 100), str(Decimal(fee) / 10**8), coin
    ),
    st.sampled_from(["buy", "sell"]),
    whole,
    whole,
    st.integers(0, 100),
    st.sampled_from(["USDT", "BTC", "BNB"]),
)


def possible(history: list[Execution]) -> list[Execution]:
    """Without sales of more than is held."""
    holding, kept = NOTHING, []
    for one in history:
        gone = one.quantity + (one.fee if one.fee_asset == one.base else 0)
        if one.side == "buy" or gone <= holding.held:
            holding = book(holding, one).holding
            kept.append(one)
    return kept


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(fills, max_size=15))
def test_lots_and_average_cost_tell_one_result_once_all_is_sold(history: list[Execution]) -> None:
    kept = possible(history)
    holding = NOTHING
    for one in kept:
        holding = book(holding, one).holding
    if holding.held:
        last = fill("sell", str(holding.held), "77")
        holding = book(holding, last).holding
        kept.append(last)
    gains = sum((part.gain for part in disposals(days(*kept))), Decimal(0))
    assert holding.held == 0
    assert gains == holding.realised_pnl


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(fills, max_size=15))
def test_the_result_equals_an_exact_calculation_with_fractions(history: list[Execution]) -> None:
    holding, coins, cost, result = NOTHING, Fraction(0), Fraction(0), Fraction(0)
    for one in possible(history):
        holding = book(holding, one).holding
        notional = Fraction(one.price) * Fraction(one.quantity)
        in_base = Fraction(one.fee) if one.fee_asset == "BTC" else Fraction(0)
        in_cash = Fraction(one.fee) * (500 if one.fee_asset == "BNB" else 0 if in_base else 1)
        if one.side == "buy":
            coins, cost = coins + Fraction(one.quantity) - in_base, cost + notional + in_cash
            continue
        gone = Fraction(one.quantity) + in_base
        part = cost * gone / coins
        coins, cost, result = coins - gone, cost - part, result + notional - in_cash - part
    assert Fraction(holding.held) == coins
    assert abs(Fraction(holding.cost) - cost) < Fraction(1, 10**15)
    assert abs(Fraction(holding.realised_pnl) - result) < Fraction(1, 10**15)
