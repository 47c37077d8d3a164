"""Values on the wire: one form in, one form out."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.serializers import ValidationError

from rest.fields import DecimalString, Flag, Moment, Text, WholeNumber, plain


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**17), max_value=10**17, places=18))
def test_a_decimal_survives_the_way_out_and_in(value):
    text = DecimalString().to_representation(value)
    assert "E" not in text.upper()
    assert not ("." in text and text.endswith("0"))
    assert DecimalString().run_validation(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.00100000", "0.001"), ("1E+3", "1000"), ("-0", "0"), ("0E-18", "0"), ("100", "100")],
)
def test_decimals_leave_in_plain_notation_without_trailing_zeros(value, text):
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize(
    "value",
    [
        1,
        1.5,
        True,
        None,
        [],
        {},
        "",
        " 1",
        "1 ",
        "+1",
        "1e3",
        "NaN",
        "Infinity",
        "-inf",
        "0x10",
        "1,5",
        ".5",
        "1.",
        "١",
        "1_000",
        "--1",
        "9" * 19,
        "0." + "1" * 19,
    ],
)
def test_whatever_merely_resembles_a_decimal_is_refused(value):
    with pytest.raises(ValidationError):
        DecimalString().run_validation(value)


@pytest.mark.parametrize("value", ["0", "-1", "10.1"])
def test_limits_of_a_decimal_hold(value):
    with pytest.raises(ValidationError):
        DecimalString(above=0, maximum=10).run_validation(value)


def test_times_leave_in_utc_whatever_their_zone():
    madrid = datetime(2025, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert Moment().to_representation(madrid) == "2025-07-01T10:00:00Z"
    assert Moment().run_validation("2025-07-01T12:00:00+02:00") == datetime(2025, 7, 1, 10, tzinfo=UTC)
    assert Moment().run_validation("2025-07-01t10:00:00.5z").microsecond == 500_000


@pytest.mark.parametrize(
    "value",
    [
        "2025-07-01",
        "2025-07-01T12:00:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2025-02-30T00:00:00Z",
        "now",
        "",
        1751364000,
        None,
        "2025-07-01T12:00:00 02:00",
    ],
)
def test_a_time_without_a_zone_or_outside_the_calendar_is_refused(value):
    with pytest.raises(ValidationError):
        Moment().run_validation(value)


@pytest.mark.parametrize(
    "value",
    ["a\x00b", "a\nb", "a\u200bb", "a\u202eb", "a\u2066b", "\ufeff", "\ud800", "a\u2028b", "\x1b[0m"],
)
def test_invisible_characters_are_refused_in_names(value):
    with pytest.raises(ValidationError) as caught:
        Text().run_validation(value)
    assert caught.value.get_codes() == ["invalid_characters"]


def test_names_are_trimmed_composed_and_counted():
    assert Text().run_validation("  Café 🚀 ") == "Café 🚀"
    assert Text(multiline=True, max_length=5000).run_validation("a\r\nb") == "a\nb"
    for value in ("", "   ", "x" * 81, 5, None, ["x"]):
        with pytest.raises(ValidationError):
            Text().run_validation(value)


@pytest.mark.parametrize("value", ["1", 1.0, True, -1, 2**31, 10**400, None, "x"])
def test_a_whole_number_is_a_json_number_that_fits(value):
    with pytest.raises(ValidationError):
        WholeNumber().run_validation(value)


@pytest.mark.parametrize("value", ["true", 1, 0, "yes", None, []])
def test_a_flag_is_true_or_false(value):
    with pytest.raises(ValidationError):
        Flag().run_validation(value)
