"""Sizing: what a follower buys and sells, for any numbers."""

from decimal import ROUND_UP, Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.types import MarketRules
from subscriptions.sizing import (
    FollowerSettings,
    MasterFill,
    exit_fraction,
    lower_target,
    price_bound,
    round_entry,
    round_exit,
    size_entry,
    written_out,
)


def rules(step: str = "0.00001", tick: str = "0.01", minimum: str = "5") -> MarketRules:
    return MarketRules(
        symbol="BTC/USDT",
        base="BTC",
        quote="USDT",
        active=True,
        lot_step=Decimal(step),
        tick_size=Decimal(tick),
        min_quantity=Decimal(step),
        max_quantity=Decimal(0),
        max_market_quantity=Decimal(0),
        min_notional=Decimal(minimum),
    )


def amounts(low: str = "0.00000001", high: str = "1000000") -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=8, allow_nan=False, allow_infinity=False)


steps = st.sampled_from(["0.00000001", "0.00001", "0.001", "0.1", "1", "1000"])


def settings(mode: str, value: str, allocation: str = "1000", pnl: str = "0") -> FollowerSettings:
    return FollowerSettings(mode, Decimal(value), Decimal(allocation), Decimal(pnl))


def test_proportional_spends_the_masters_share_of_the_allocation() -> None:
    master = MasterFill(Decimal("0.02"), Decimal("64200"), equity=Decimal("21400"), order_amount=None)
    sized = size_entry(master, settings("proportional", "1", "1300"), bound=Decimal("64392.60"), quote="USDT")
    # 1,284 of 21,400 is 6 %; 6 % of 1,300 is 78.
    assert sized.amount == (Decimal(78) / Decimal("64392.60")).quantize(Decimal(1).scaleb(-18), "ROUND_DOWN")
    assert [step.result for step in sized.steps][:2] == ["6.00 %", "78.00 USDT"]


def test_proportional_counts_what_was_won_and_lost() -> None:
    master = MasterFill(Decimal(1), Decimal(100), equity=Decimal(1000), order_amount=None)
    won = size_entry(master, settings("proportional", "1", pnl="500"), bound=Decimal(100), quote="USDT")
    lost = size_entry(master, settings("proportional", "1", pnl="-2000"), bound=Decimal(100), quote="USDT")
    assert (won.amount, lost.amount) == (Decimal("1.5"), Decimal(0))


def test_a_master_who_spends_more_than_his_equity_counts_as_all_of_it() -> None:
    master = MasterFill(Decimal(1), Decimal(100), equity=Decimal(50), order_amount=None)
    sized = size_entry(master, settings("proportional", "1"), bound=Decimal(100), quote="USDT")
    assert sized.amount == Decimal(10)


@pytest.mark.parametrize("equity", [None, Decimal(0), Decimal(-5)])
def test_an_unknown_equity_sizes_nothing(equity: Decimal | None) -> None:
    master = MasterFill(Decimal(1), Decimal(100), equity=equity, order_amount=None)
    assert size_entry(master, settings("proportional", "1"), bound=Decimal(100), quote="USDT").amount is None


def test_multiplier_needs_no_equity() -> None:
    master = MasterFill(Decimal("0.5"), Decimal(100), equity=None, order_amount=None)
    assert size_entry(
        master, settings("multiplier", "0.1"), bound=Decimal(1), quote="USDT"
    ).amount == Decimal("0.05")


def test_a_fixed_amount_is_spread_over_the_fills_of_one_order() -> None:
    parts = [
        size_entry(
            MasterFill(Decimal(part), Decimal(100), equity=None, order_amount=Decimal(10)),
            settings("fixed_notional", "50"),
            bound=Decimal(100),
            quote="USDT",
        ).amount
        for part in ("4", "6")
    ]
    assert parts == [Decimal("0.2"), Decimal("0.3")]


@given(amounts(), st.integers(0, 1000), steps)
def test_the_price_bound_lies_on_the_tick_and_never_above_the_slippage(
    price: Decimal, bps: int, tick: str
) -> None:
    bound = price_bound(master_price=price, max_slippage_bps=bps, tick_size=Decimal(tick))
    assert bound % Decimal(tick) == 0
    assert bound <= price * (10_000 + bps) / 10_000


@given(amounts(), amounts("0"), amounts("0.01", "100000"), amounts("0"), steps)
def test_an_entry_is_on_the_step_within_the_target_and_the_cash(
    target: Decimal, held: Decimal, bound: Decimal, cash: Decimal, step: str
) -> None:
    market = rules(step)
    quantity = round_entry(target=target, held=held, bound=bound, cash=cash, rules=market).amount
    assert quantity is not None and quantity >= 0
    assert quantity % market.lot_step == 0
    if quantity:
        assert quantity <= target - held
        assert quantity * bound * (1 + market.taker_fee) <= cash
        assert quantity * bound >= market.min_notional


@given(amounts(), amounts("0"), amounts("0.01", "100000"), steps)
def test_an_exit_never_sells_more_than_is_held_above_the_target(
    held: Decimal, target: Decimal, price: Decimal, step: str
) -> None:
    quantity = round_exit(target=target, held=held, price=price, rules=rules(step)).amount
    assert quantity is not None
    assert 0 <= quantity <= max(held - target, Decimal(0))
    assert quantity % Decimal(step) == 0


def test_what_is_held_is_rounded_down_and_the_rest_is_carried() -> None:
    sized = round_exit(
        target=Decimal(0), held=Decimal("0.08591400"), price=Decimal(60000), rules=rules("0.001")
    )
    assert sized.amount == Decimal("0.085")


def test_an_integer_step_gives_a_whole_number() -> None:
    sized = round_exit(
        target=Decimal(0), held=Decimal("413618.7"), price=Decimal("0.00002"), rules=rules("1")
    )
    assert sized.steps[-1].result == "413618"


def test_a_rest_below_the_minimum_sells_nothing_and_says_why() -> None:
    sized = round_exit(target=Decimal(0), held=Decimal("0.00003"), price=Decimal(60000), rules=rules())
    assert sized.amount == 0
    assert written_out(sized.steps[-1].as_json()) == {
        "label": "Below the exchange's minimum",
        "detail": "1.80 USDT; the exchange takes 5 or more",
        "result": "carried to the next trade",
    }


def test_the_threads_decimal_context_does_not_matter() -> None:
    with localcontext(Context(prec=4, rounding=ROUND_UP)):
        bound = price_bound(
            master_price=Decimal("0.00000177"), max_slippage_bps=0, tick_size=Decimal("0.00000001")
        )
    assert bound == Decimal("0.00000177")


@given(amounts(), amounts(), amounts("0"))
def test_an_exit_closes_a_part_between_nothing_and_all(
    sold: Decimal, book: Decimal, holding: Decimal
) -> None:
    fraction = exit_fraction(sold=sold, book=book, holding=holding, smallest=Decimal(0))
    assert 0 <= fraction <= 1
    assert 0 <= lower_target(book, fraction) <= book


def test_a_rest_too_small_for_the_master_to_sell_closes_all() -> None:
    almost = exit_fraction(sold=Decimal("0.999"), book=Decimal(1), holding=None, smallest=Decimal("0.002"))
    assert almost == 1


def test_coins_that_left_by_another_way_count_in_the_fraction() -> None:
    half_left = exit_fraction(
        sold=Decimal("0.25"), book=Decimal(1), holding=Decimal("0.5"), smallest=Decimal(0)
    )
    assert half_left == Decimal("0.5")
