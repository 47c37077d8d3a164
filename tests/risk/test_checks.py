"""The rules by themselves: each names the limit and the numbers."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.checks import Allowance, Limits, Usage, Wish, allowed_amount, check_entry, check_wish
from risk.days import day_start
from risk.rates import Rates

BTC = (1, "BTC/USDT")


ONE = Decimal(1)


def wish(
    amount: str = "1", price: str = "100", *, rate: Decimal | None = ONE, is_first_attempt: bool = True
) -> Wish:
    return Wish(BTC, Decimal(amount), Decimal(price), rate, is_first_attempt)


@pytest.mark.parametrize(
    ("limits", "usage", "rule"),
    [
        (Limits(), Usage(), None),
        (Limits(max_order_notional=Decimal(100)), Usage(), None),
        (Limits(max_order_notional=Decimal("99.99")), Usage(), "max_order_notional"),
        (Limits(max_order_notional=Decimal(0)), Usage(), "max_order_notional"),
        (Limits(max_open_notional=Decimal(150)), Usage(open_notional=Decimal(50)), None),
        (Limits(max_open_notional=Decimal(150)), Usage(open_notional=Decimal(51)), "max_open_notional"),
        (Limits(max_open_notional=Decimal(150)), Usage(open_notional=None), "price_unknown"),
        (Limits(max_orders_per_day=2), Usage(orders_today=1), None),
        (Limits(max_orders_per_day=2), Usage(orders_today=2), "max_orders_per_day"),
        (Limits(max_open_positions=1), Usage(), None),
        (Limits(max_open_positions=1), Usage(open_positions={(1, "ETH/USDT")}), "max_open_positions"),
        # More of what is open already opens nothing.
        (Limits(max_open_positions=1), Usage(open_positions={BTC}), None),
        (Limits(max_daily_loss=Decimal(10)), Usage(day_result=Decimal("-9.99")), None),
        (Limits(max_daily_loss=Decimal(10)), Usage(day_result=Decimal(-10)), "max_daily_loss"),
        (Limits(max_daily_loss=Decimal(10)), Usage(day_result=Decimal(10)), None),
        (Limits(max_daily_loss=Decimal(10)), Usage(day_result=None), "price_unknown"),
    ],
)
def test_a_limit_holds_from_the_number_it_names(limits: Limits, usage: Usage, rule: str | None) -> None:
    denial = check_wish(Allowance(limits, usage), wish())
    assert (denial.rule if denial else None) == rule


def test_an_order_that_is_tried_again_is_not_a_further_order() -> None:
    allowance = Allowance(Limits(max_orders_per_day=1), Usage(orders_today=1))
    assert check_wish(allowance, wish(is_first_attempt=False)) is None


def test_without_a_rate_a_size_cannot_be_judged() -> None:
    denial = check_wish(Allowance(Limits(currency="BTC", max_order_notional=Decimal(9))), wish(rate=None))
    assert denial is not None
    assert denial.rule == "price_unknown"


def test_only_symbols_that_are_allowed_pass_where_any_are_named() -> None:
    limits = Limits(symbols_allowed=["ETH/USDT"])
    assert check_entry(limits, symbol="ETH/USDT") is None
    denial = check_entry(limits, symbol="BTC/USDT")
    assert denial is not None
    assert denial.rule == "symbols_allowed"


amounts = st.integers(1, 10**6).map(lambda thousandths: Decimal(thousandths) / 1000)


@given(amounts, amounts, amounts, amounts, amounts)
def test_what_is_cut_passes_no_size_limit(
    amount: Decimal, price: Decimal, most: Decimal, together: Decimal, used: Decimal
) -> None:
    limits = Limits(max_order_notional=most, max_open_notional=together, oversize="cut")
    allowance = Allowance(limits, Usage(open_notional=used))
    allowed, rule = allowed_amount(allowance, wish(str(amount), str(price)))
    cut = allowed.quantize(Decimal("1e-9"), "ROUND_DOWN")
    assert bool(rule) == (allowed < amount)
    assert 0 <= cut <= amount
    if cut:
        assert check_wish(allowance, wish(str(cut), str(price))) is None


def test_what_cannot_be_judged_is_not_cut() -> None:
    limits = Limits(max_order_notional=Decimal(9), oversize="cut")
    assert allowed_amount(Allowance(limits), wish(rate=None)) == (Decimal(1), "")


def test_an_entry_that_goes_counts_for_the_next_one_and_what_is_unknown_stays_so() -> None:
    used = Usage(open_notional=Decimal(50))
    allowance = Allowance(Limits(), used)
    allowance.take(BTC, notional=Decimal(25), is_first_attempt=True)
    assert (used.open_positions, used.orders_today, used.open_notional) == ({BTC}, 1, Decimal(75))
    for notional in (None, Decimal(5)):
        allowance.take(BTC, notional=notional, is_first_attempt=False)
        assert (used.orders_today, used.open_notional) == (1, None)


def test_money_is_converted_directly_inversely_or_through_one_other_and_never_guessed() -> None:
    rates = Rates({"BTC/USDT": Decimal(50000), "USDC/USDT": Decimal("0.5")})
    assert rates.rate("USDT", "USDT") == 1
    assert rates.rate("BTC", "USDT") == 50000
    assert rates.rate("USDT", "USDC") == 2
    assert rates.rate("BTC", "USDC") == 100000
    assert rates.rate("ETH", "USDT") is None
    assert Rates().rate("USDC", "USDT") is None


@pytest.mark.parametrize(
    ("now", "start", "zone"),
    [
        ("2026-10-25T22:30", "2026-10-24T22:00", "Europe/Berlin"),  # 25 hours
        ("2026-10-25T23:00", "2026-10-25T23:00", "Europe/Berlin"),
        ("2026-03-29T21:59", "2026-03-28T23:00", "Europe/Berlin"),  # 23 hours
        ("2026-03-29T22:00", "2026-03-29T22:00", "Europe/Berlin"),
        ("2026-06-01T00:30", "2026-06-01T00:00", "UTC"),
    ],
)
def test_a_day_lasts_from_midnight_to_midnight_where_its_owner_lives(now: str, start: str, zone: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert day_start(moment, zone) == datetime.fromisoformat(start).replace(tzinfo=UTC)
