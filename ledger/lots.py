"""First in, first out: which coins a sale disposed of, when they were bought, and what they had cost. Pure.

Beside the average cost, by which the books keep their results, for reports that ask for lots.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from exchanges.rounding import EXACT
from ledger.pnl import PLACES, ZERO, Execution, fee_in_quote


@dataclass(frozen=True, slots=True)
class Lot:
    """Coins of one purchase that are still there, and what they had cost in quote, fees included.

    `fees_uncounted`: 1 where the purchase's fee was in a coin without a price, so that the cost lacks it.
    """

    acquired_at: datetime
    quantity: Decimal
    cost: Decimal
    fees_uncounted: int


@dataclass(frozen=True, slots=True)
class Disposal:
    """A part of a sale that came out of one lot. `acquired_at` None: the copy had never bought it.

    `fees_uncounted`: how many of the two fees, of purchase and sale, were in a coin without a price.
    """

    acquired_at: datetime | None
    disposed_at: datetime
    quantity: Decimal
    cost: Decimal
    proceeds: Decimal
    fees_uncounted: int

    @property
    def gain(self) -> Decimal:
        return self.proceeds - self.cost


def disposals(deals: Iterable[tuple[datetime, Execution]]) -> Iterator[Disposal]:
    """Of one position's fills in the order of time. A fee in the coin itself is disposed of with the sale."""
    lots: deque[Lot] = deque()
    for at, execution in deals:
        with localcontext(EXACT):
            notional = _kept(execution.price * execution.quantity)
            in_base = execution.fee if execution.fee_asset == execution.base else ZERO
            fee = fee_in_quote(execution)
            in_cash, uncounted = ZERO if in_base else _kept(fee or ZERO), int(fee is None)
            if execution.side == "buy":
                lots.append(Lot(at, execution.quantity - in_base, notional + in_cash, uncounted))
                continue
            sold = list(_sell(lots, execution.quantity + in_base, notional - in_cash, at))
        for part in sold:
            yield replace(part, fees_uncounted=part.fees_uncounted + uncounted)


def _sell(lots: deque[Lot], quantity: Decimal, proceeds: Decimal, at: datetime) -> Iterator[Disposal]:
    """The last part takes what rounding left of the proceeds, and a lot's last coins the rest of its cost."""
    rest, unpaid = quantity, proceeds
    while rest > 0 and lots:
        lot = lots.popleft()
        taken = min(lot.quantity, rest)
        cost = lot.cost if taken == lot.quantity else _kept(lot.cost * taken / lot.quantity)
        share = unpaid if taken == rest else _kept(proceeds * taken / quantity)
        if taken < lot.quantity:
            lots.appendleft(replace(lot, quantity=lot.quantity - taken, cost=lot.cost - cost))
        if taken:
            yield Disposal(lot.acquired_at, at, taken, cost, share, lot.fees_uncounted)
        rest, unpaid = rest - taken, unpaid - share
    if rest > 0:
        yield Disposal(None, at, rest, ZERO, unpaid, 0)


def _kept(amount: Decimal) -> Decimal:
    return amount.quantize(PLACES, ROUND_HALF_EVEN)
