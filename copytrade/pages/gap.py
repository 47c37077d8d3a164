"""Why a copy did not do as its master did: pure arithmetic over sums of the books."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Gap:
    """Fractions of the allocation; `mine` = `master` + `delay` + `fees` + `rest`.

    None: not known, as a coin has no price or the master's equity was not recorded at both ends.
    """

    mine: Decimal | None
    master: Decimal | None
    delay: Decimal
    fees: Decimal

    @property
    def whole(self) -> Decimal | None:
        return None if self.mine is None or self.master is None else self.mine - self.master

    @property
    def rest(self) -> Decimal | None:
        """What was skipped or sized otherwise, and what the master paid in, took out or paid in fees."""
        return None if self.whole is None else self.whole - self.delay - self.fees


def split_gap(
    *,
    result: Decimal | None,
    allocation: Decimal,
    worse_prices: Decimal,
    fees: Decimal,
    master_before: Decimal | None,
    master_now: Decimal | None,
) -> Gap:
    """`worse_prices` and `fees` are what they cost in quote; negative where prices were better."""
    known = master_before and master_now is not None
    return Gap(
        mine=None if result is None else result / allocation,
        master=(master_now - master_before) / master_before if known else None,  # type: ignore[operator]
        delay=-worse_prices / allocation,
        fees=-fees / allocation,
    )
