"""No spreadsheet takes a text of ours for a formula, and every text can be had back."""

import re
from decimal import Decimal

import pytest

from ledger.export import cell
from rest.csv_cells import neutralised

QUOTED = re.compile("'+[=+\\-@\t\r]")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
@pytest.mark.parametrize("before", ["", "'", "''"])
def test_a_text_that_begins_like_a_formula_gets_one_quote_which_comes_off_again(start, before):
    text = f"{before}{start}1+1"
    shown = neutralised(text)
    assert shown == cell(text) == f"'{text}"
    assert QUOTED.match(shown)
    assert shown[1:] == text


@pytest.mark.parametrize("text", ["", "plain", "1-1", "a=b", "'quoted'", " =1", "é@"])
def test_other_texts_stay_as_they_are(text):
    assert neutralised(text) == text
    assert not QUOTED.match(text)


def test_a_negative_number_stays_a_number():
    assert cell(Decimal("-0.10")) == "-0.1"
