"""What is signed and sent is quoted as ccxt quotes it, to the letter."""

from __future__ import annotations

from typing import Any

import ccxt
import ccxt.async_support
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.clients import _watched

BINANCE = _watched(ccxt.async_support.binance)
TEXTS = st.text(max_size=8) | st.text(alphabet="aZ9=&_.~- %+/é\n", max_size=8)
VALUES = TEXTS | st.integers() | st.booleans() | st.none() | st.floats() | st.lists(TEXTS, max_size=2)


@given(st.dictionaries(TEXTS, VALUES, max_size=4), st.booleans())
def test_any_parameters_are_quoted_as_ccxt_quotes_them(parameters: dict[str, Any], doseq: bool) -> None:
    assert BINANCE.urlencode(parameters, doseq) == ccxt.Exchange.urlencode(parameters, doseq)


@pytest.mark.parametrize("value", ["a=b", "a&b=c", "a b", "a+b", "%41", "ü", True, False, "True", ""])
def test_what_could_be_taken_for_something_else_is_quoted(value: object) -> None:
    assert BINANCE.urlencode({"k": value, "l": 1}) == ccxt.Exchange.urlencode({"k": value, "l": 1})
