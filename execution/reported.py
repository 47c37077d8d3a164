"""What one currency was worth in another at a moment, by the prices that were kept of that time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from exchanges.rounding import EXACT
from ledger.models import PricePoint
from ledger.pnl import PLACES
from risk.rates import Rates, symbols_between

# A price that was read longer before is none.
PRICE_IS_OF = timedelta(minutes=15)
# Moments within this share their rate, as prices are kept no oftener.
SAME_MOMENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """`value` None: no price of that time is known. `source`: whose prices of which symbols."""

    value: Decimal | None
    source: str

    @property
    def shown(self) -> Decimal | None:
        return None if self.value is None else kept(self.value)

    def of(self, amount: Decimal) -> Decimal | None:
        with localcontext(EXACT):
            return None if self.value is None else kept(amount * self.value)


def prices_at(exchange: str, symbols: Iterable[str], at: datetime) -> dict[str, Decimal]:
    """The last that were read by then."""
    points = PricePoint.objects.filter(
        exchange=exchange, symbol__in=set(symbols), read_at__lte=at, at__gt=at - PRICE_IS_OF
    )
    return dict(points.order_by("at").values_list("symbol", "price"))


def rate_by(prices: Mapping[str, Decimal], *, exchange: str, quote: str, currency: str) -> Rate:
    with localcontext(EXACT):
        rate = Rates(prices).rate(quote, currency)
    if rate is None:
        return Rate(None, "")
    used = ", ".join(sorted(symbols_between(quote, currency) & set(prices)))
    return Rate(rate, f"{exchange}: {used}" if used else "same currency")


@dataclass(slots=True)
class RatesThen:
    """Into one currency, at many moments of about their order: the last one is remembered."""

    currency: str
    _last: dict[tuple[str, str], tuple[datetime, Rate]] = field(default_factory=dict)

    def at(self, moment: datetime, *, exchange: str, quote: str) -> Rate:
        known = self._last.get((exchange, quote))
        if known and timedelta(0) <= moment - known[0] < SAME_MOMENT:
            return known[1]
        pairs = symbols_between(quote, self.currency)
        prices = prices_at(exchange, pairs, moment) if pairs else {}
        rate = rate_by(prices, exchange=exchange, quote=quote, currency=self.currency)
        self._last[exchange, quote] = moment, rate
        return rate


def kept(amount: Decimal) -> Decimal:
    return amount.quantize(PLACES, ROUND_HALF_EVEN)
