"""The master's share of what a copy gained: only of what is above the copy's highest result so far.

A result is equity less allocation, so that putting money in or taking it out changes neither the result nor
what counts as gained: seen as equity, the mark moves by as much as the allocation does.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext

from exchanges.rounding import EXACT

SMALLEST = Decimal(1).scaleb(-8)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Share:
    """`gain` is what is above the mark, `fee` the part of it that is due, `mark` where the mark is then."""

    gain: Decimal
    fee: Decimal
    mark: Decimal


def share_of(result: Decimal, *, mark: Decimal, percent: Decimal) -> Share:
    """Nothing at or below the mark, which never falls. A fee is rounded down, in favour of who pays it."""
    with localcontext(EXACT):
        gain = result - mark
        if gain <= 0:
            return Share(ZERO, ZERO, mark)
        fee = (gain * percent / 100 / SMALLEST).to_integral_value(ROUND_DOWN) * SMALLEST
        # What is too small to be charged now stays above the mark and counts next time.
        is_settled = fee > 0 or percent == 0
        return Share(gain, fee, result if is_settled else mark)
