"""What a fill does to a sub-position, told as small stories of accounts."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ledger.pnl import Execution, Holding, book

NOTHING = Holding(Decimal(0), Decimal(0), Decimal(0), Decimal(0))


def fill(
    side: str, quantity: str, price: str, fee: str = "0", fee_asset: str = "USDT", mark: str = ""
) -> Execution:
    return Execution(
        side=side,
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=Decimal(fee),
        fee_asset=fee_asset,
        base="BTC",
        quote="USDT",
        fee_price=Decimal(mark) if mark else None,
    )


def test_a_fee_in_the_bought_coin_is_part_of_the_result() -> None:
    bought = book(NOTHING, fill("buy", "1", "100", "0.001", "BTC"))
    sold = book(bought.holding, fill("sell", "0.999", "110", "0.10989"))

    assert bought.holding.held == Decimal("0.999")
    assert sold.realised_pnl == Decimal("9.78011")
    assert sold.holding.held == sold.holding.cost == 0


def test_a_fee_in_a_third_coin_is_valued_at_its_mark() -> None:
    bought = book(NOTHING, fill("buy", "1", "100", "0.0002", "BNB", mark="500"))
    assert bought.fee_in_quote == Decimal("0.1")
    assert bought.cash_change == Decimal("-100.1")
    assert bought.holding.held == 1


def test_a_fee_in_a_coin_without_a_price_is_unknown_and_not_zero() -> None:
    assert book(NOTHING, fill("buy", "1", "100", "3", "XYZ")).fee_in_quote is None


def test_half_a_sale_realises_half_the_difference() -> None:
    bought = book(NOTHING, fill("buy", "2", "100"))
    sold = book(bought.holding, fill("sell", "1", "130"))
    assert sold.realised_pnl == 30
    assert sold.holding.held == 1
    assert sold.holding.cost == 100


def test_a_master_who_sells_coins_of_his_own_realises_only_the_strategys_part() -> None:
    bought = book(NOTHING, fill("buy", "1", "100"))
    sold = book(bought.holding, fill("sell", "4", "110"))
    assert sold.realised_pnl == 10
    assert sold.holding.held == 0


trades = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell"]),
        st.decimals("0.0001", "100", places=4),
        st.decimals("0.01", "100000", places=2),
        st.decimals("0", "5", places=4),
    ),
    max_size=30,
)


@given(trades)
def test_cash_plus_cost_always_tells_the_result(history: list[tuple[str, Decimal, Decimal, Decimal]]) -> None:
    holding, cash = NOTHING, Fraction(0)
    for side, quantity, price, fee in history:
        if side == "sell" and quantity > holding.held:
            continue
        booked = book(holding, fill(side, str(quantity), str(price), str(fee)))
        holding, cash = booked.holding, cash + Fraction(booked.cash_change)

    # What was paid and got back, and what the open rest cost, is the realised result to the last digit.
    assert abs(cash + Fraction(holding.cost) - Fraction(holding.realised_pnl)) <= Fraction(1, 10**15)
