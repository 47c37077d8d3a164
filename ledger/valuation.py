"""What is held at today's prices. A price that is not known makes the worth unknown, never 0."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from exchanges.rounding import EXACT
from ledger.models import Mark, Position, PricePoint
from subscriptions.models import Subscription

# A price that was read longer before is none.
PRICE_IS_OF = timedelta(minutes=15)
PLACES = Decimal(1).scaleb(-18)
Prices = dict[tuple[str, str], Decimal]


@dataclass(frozen=True, slots=True)
class Worth:
    """Of a subscription, in its quote; None where an open position has no fresh price."""

    equity: Decimal | None
    pnl: Decimal | None


def fresh_prices(keys: Iterable[tuple[str, str]], *, now: datetime) -> Prices:
    """By venue and symbol; what has no fresh mark is left out."""
    wanted = set(keys)
    marks = Mark.objects.fresh(now=now).filter(
        exchange__in={exchange for exchange, _ in wanted}, symbol__in={symbol for _, symbol in wanted}
    )
    return {(mark.exchange, mark.symbol): mark.price for mark in marks}


def kept_prices(keys: Iterable[tuple[str, str]], *, at: datetime) -> Prices:
    """The last that were kept by then, by venue and symbol; what has none of that time is left out."""
    wanted = set(keys)
    points = PricePoint.objects.filter(
        exchange__in={exchange for exchange, _ in wanted},
        symbol__in={symbol for _, symbol in wanted},
        at__gt=at - PRICE_IS_OF,
        at__lte=at,
    )
    return {(point.exchange, point.symbol): point.price for point in points.order_by("at")}


def average_cost(position: Position) -> Decimal | None:
    """In quote for one unit, fees included; None when nothing is held."""
    if position.held <= 0:
        return None
    with localcontext(EXACT):
        cost: Decimal = position.cost / position.held
        return cost.quantize(PLACES, ROUND_HALF_EVEN)


def unrealised_pnl(position: Position, price: Decimal | None) -> Decimal | None:
    """Of what is held, net of the fees paid for it; None without a price."""
    if position.held == 0:
        return Decimal(0)
    if price is None:
        return None
    with localcontext(EXACT):
        result: Decimal = position.held * price - position.cost
        return result.quantize(PLACES, ROUND_HALF_EVEN)


def worth_of(subscriptions: Sequence[Subscription], *, now: datetime) -> dict[int, Worth]:
    """By subscription id; two queries, however many. `exchange_account` must be at hand."""
    held = defaultdict(list)
    for position in Position.objects.open().filter(subscription__in=[row.pk for row in subscriptions]):
        held[position.subscription_id].append(position)
    venues = {row.pk: row.exchange_account.exchange for row in subscriptions}
    keys = {(venues[pk], position.symbol) for pk, rows in held.items() if pk for position in rows}
    prices = fresh_prices(keys, now=now) if keys else {}
    return {row.pk: _worth(row, held[row.pk], venues[row.pk], prices) for row in subscriptions}


def worth_when_left(subscription: Subscription, *, at: datetime) -> Decimal:
    """The equity of a copy that ended then; a coin without a price of that time counts as what it cost."""
    held = list(Position.objects.open().filter(subscription=subscription))
    points = PricePoint.objects.filter(
        exchange=subscription.exchange_account.exchange,
        symbol__in=[position.symbol for position in held],
        at__gt=at - PRICE_IS_OF,
        at__lte=at,
    )
    prices = dict(points.order_by("at").values_list("symbol", "price"))
    with localcontext(EXACT):
        equity: Decimal = subscription.cash
        for position in held:
            price = prices.get(position.symbol)
            equity += position.cost if price is None else position.held * price
        return equity.quantize(PLACES, ROUND_HALF_EVEN)


def _worth(subscription: Subscription, held: list[Position], venue: str, prices: Prices) -> Worth:
    with localcontext(EXACT):
        equity: Decimal = subscription.cash
        for position in held:
            price = prices.get((venue, position.symbol))
            if price is None:
                return Worth(None, None)
            equity += position.held * price
        equity = equity.quantize(PLACES, ROUND_HALF_EVEN)
        return Worth(equity, equity - subscription.allocation)
