"""Texts in CSV files that no spreadsheet takes for formulas."""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutralised(text: str) -> str:
    """With one quote before what begins like a formula, whatever quotes it has already.

    Reversible: take one quote away wherever quotes are followed by such a beginning.
    """
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_STARTS) else text
