"""Rounding loses nothing it should keep, whatever the thread's decimal context says."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.rounding import meets_minimum, plain, round_down, round_price_down, round_price_up, round_up
from exchanges.types import MarketRules

amounts = st.decimals(
    min_value=0, max_value=Decimal("1e18"), places=18, allow_nan=False, allow_infinity=False
)
steps = st.sampled_from([Decimal(text) for text in ("1e-18", "1e-8", "0.00001", "0.05", "0.25", "1", "100")])


def rules(*, min_quantity: str, min_notional: str) -> MarketRules:
    zero = Decimal(0)
    return MarketRules(
        "BTC/USDT", "BTC", "USDT", True, zero, zero, Decimal(min_quantity), zero, zero, Decimal(min_notional)
    )


@given(amounts, steps)
def test_rounding_down_gives_the_largest_multiple_not_above(quantity: Decimal, step: Decimal) -> None:
    with decimal.localcontext(decimal.Context(prec=80)):
        rounded = round_down(quantity, step)
        assert rounded <= quantity < rounded + step
        assert rounded % step == 0


@given(amounts, steps)
def test_rounding_up_gives_the_smallest_multiple_not_below(quantity: Decimal, step: Decimal) -> None:
    with decimal.localcontext(decimal.Context(prec=80)):
        rounded = round_up(quantity, step)
        assert rounded - step < quantity <= rounded
        assert rounded % step == 0


@given(amounts, steps)
def test_rounding_twice_changes_nothing(quantity: Decimal, step: Decimal) -> None:
    once = round_down(quantity, step)
    assert round_down(once, step) == once == round_up(once, step)


@given(amounts, steps, st.integers(min_value=1, max_value=40))
def test_the_context_of_the_thread_does_not_matter(quantity: Decimal, step: Decimal, precision: int) -> None:
    careful = round_down(quantity, step)
    with decimal.localcontext(decimal.Context(prec=precision, rounding=decimal.ROUND_UP)):
        assert round_down(quantity, step) == careful


@given(amounts)
def test_plain_text_reads_back_as_the_same_number_and_has_no_exponent(number: Decimal) -> None:
    text = plain(number)
    assert Decimal(text) == number
    assert set(text) <= set("0123456789.")
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1.500E-7", "0.00000015"),
        ("1E+5", "100000"),
        ("-0", "0"),
        ("0E-8", "0"),
        ("10", "10"),
        ("-1.50", "-1.5"),
    ],
)
def test_plain_text_is_what_a_venue_expects(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_never_sent(number: str) -> None:
    with pytest.raises(ValueError, match="sent"):
        plain(Decimal(number))


@pytest.mark.parametrize("number", ["-1", "NaN", "Infinity"])
def test_only_an_amount_is_rounded(number: str) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        round_down(Decimal(number), Decimal("0.1"))


def test_a_step_of_zero_means_no_step() -> None:
    assert round_down(Decimal("1.23456789"), Decimal(0)) == Decimal("1.23456789")


def test_a_bid_is_rounded_down_and_an_offer_up() -> None:
    tick = Decimal("0.05")
    assert round_price_down(Decimal("10.09"), tick) == Decimal("10.05")
    assert round_price_up(Decimal("10.01"), tick) == Decimal("10.05")


@pytest.mark.parametrize(
    ("quantity", "price", "enough"),
    [
        ("0.0005", "10000", True),
        ("0.0004", "10000", False),
        ("0.0005", "9999.99", False),
        ("0", "10000", False),
    ],
)
def test_an_order_must_reach_the_smallest_amount_and_value(quantity: str, price: str, enough: bool) -> None:
    filters = rules(min_quantity="0.0005", min_notional="5")
    assert meets_minimum(Decimal(quantity), Decimal(price), filters) is enough
