from datetime import timedelta
from decimal import Decimal

import pytest

from copytrade.templatetags import ui


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("1284"), "1,284.00"),
        (Decimal("-12.4"), "−12.40"),
        (Decimal("0.0031"), "<\u00a00.01"),
        (Decimal("-0.0031"), "<\u00a00.01 down"),
        (Decimal(0), "0.00"),
        (None, "—"),
    ],
)
def test_money_has_two_decimals_and_what_is_tiny_is_not_shown_as_nothing(value, shown):
    assert ui.money(value) == shown


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [
        (Decimal("0.182"), "+18.20\u00a0%"),
        (Decimal("-0.0051"), "−0.51\u00a0%"),
        (Decimal(0), "0.00\u00a0%"),
        (Decimal("0.00001"), "<\u00a00.01\u00a0% up"),
    ],
)
def test_a_change_always_has_its_sign(fraction, shown):
    assert ui.signed_percent(fraction) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("64212.100000000000000000"), "64,212.10"),
        (Decimal("0.00000177"), "0.00000177"),
        (Decimal("0.12345"), "0.12345"),
        (Decimal("1E+2"), "100.00"),
    ],
)
def test_a_price_is_plain_whatever_the_coin(value, shown):
    assert ui.price(value) == shown


def test_a_quantity_loses_only_its_trailing_zeros():
    assert ui.quantity(Decimal("0.001200000000000000")) == "0.0012"
    assert ui.quantity(Decimal("413618")) == "413,618"


def test_slippage_is_told_in_words():
    assert ui.slippage(Decimal("3.14")) == "3.1\u00a0bps worse"
    assert ui.slippage(Decimal("-3.14")) == "3.1\u00a0bps better"
    assert ui.slippage(Decimal("0.04")) == "same price"


def test_durations_change_their_unit_with_their_length():
    assert ui.milliseconds(84) == "84\u00a0ms"
    assert ui.milliseconds(1234) == "1.2\u00a0s"
    assert ui.span(timedelta(minutes=14)) == "14 minutes"
    assert ui.span(timedelta(days=412)) == "412 days"


def test_a_sparkline_of_a_fall_is_marked_as_one():
    assert 'class="spark down"' in ui.sparkline([Decimal(3), Decimal(4), Decimal(2)])
    assert ui.sparkline([Decimal(3)]) == ""
