"""What positions and copies are worth at the last public prices. No price is "unknown", never 0."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from ledger.models import Mark, Position, PositionQuerySet, Trade
from ledger.valuation import average_cost
from subscriptions.models import Subscription


@dataclass(frozen=True, slots=True)
class Holding:
    """A position at its last price; `value` and `unrealised` None: no price is known."""

    position: Position
    mark: Mark | None

    @property
    def value(self) -> Decimal | None:
        if self.mark is None:
            return None
        value: Decimal = self.position.held * self.mark.price
        return value

    @property
    def unrealised(self) -> Decimal | None:
        return None if self.value is None else self.value - self.position.cost

    @property
    def average_cost(self) -> Decimal | None:
        return average_cost(self.position)

    @property
    def carried(self) -> Decimal:
        """What was too small to trade and waits for the next change."""
        waiting: Decimal = self.position.target - self.position.held
        return waiting


@dataclass(frozen=True, slots=True)
class Copy:
    """A subscription with what it is worth; `equity` None: a position has no price."""

    subscription: Subscription
    holdings: tuple[Holding, ...]
    dust: int = 0

    @property
    def positions(self) -> int:
        return len(self.holdings) - self.dust

    @property
    def equity(self) -> Decimal | None:
        values = [holding.value for holding in self.holdings]
        if None in values:
            return None
        worth: Decimal = self.subscription.cash + sum((v for v in values if v is not None), Decimal(0))
        return worth

    @property
    def result(self) -> Decimal | None:
        if self.equity is None:
            return None
        result: Decimal = self.equity - self.subscription.allocation
        return result

    @property
    def change(self) -> Decimal | None:
        return None if self.result is None else self.result / self.subscription.allocation


@dataclass(frozen=True, slots=True)
class EndedCopy:
    """A closed subscription with its final result: what is still held counts at what it cost."""

    subscription: Subscription
    left: tuple[Holding, ...]

    @property
    def result(self) -> Decimal:
        at_cost = sum((holding.position.cost for holding in self.left), Decimal(0))
        result: Decimal = self.subscription.cash + at_cost - self.subscription.allocation
        return result

    @property
    def change(self) -> Decimal:
        change: Decimal = self.result / self.subscription.allocation
        return change


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over copies in one quote coin. `equity` is of those that run, all else of the ended ones too.

    `today` is how the result changed since the day began with `began_with`; None: a price is missing.
    """

    quote: str
    equity: Decimal | None
    result: Decimal | None
    allocation: Decimal
    realised_today: Decimal
    today: Decimal | None
    began_with: Decimal
    ended: int

    @property
    def change(self) -> Decimal | None:
        return self.result / self.allocation if self.result is not None and self.allocation else None

    @property
    def today_change(self) -> Decimal | None:
        return self.today / self.began_with if self.today is not None and self.began_with > 0 else None


def holdings_of(positions: PositionQuerySet, *, exchange: str | None = None) -> list[Holding]:
    """Open positions with their last price; `exchange` for a master's, whose account is elsewhere."""
    opened = list(
        positions.open().select_related("strategy", "subscription__exchange_account").order_by("symbol", "id")
    )
    marks = _marks({position.symbol for position in opened})
    return [Holding(p, marks.get((exchange or _exchange_of(p), p.symbol))) for p in opened]


def _exchange_of(position: Position) -> str:
    return position.subscription.exchange_account.exchange if position.subscription else ""


def _marks(symbols: Iterable[str]) -> dict[tuple[str, str], Mark]:
    return {(mark.exchange, mark.symbol): mark for mark in Mark.objects.filter(symbol__in=list(symbols))}


def copies_of(
    subscriptions: Sequence[Subscription], holdings: Sequence[Holding], *, dust: Sequence[Holding]
) -> tuple[list[Copy], list[EndedCopy]]:
    """Those that run, and those that have ended; `dust` is worth something, but is no position."""
    specks = Counter(holding.position.subscription_id for holding in dust)
    mine: dict[int | None, list[Holding]] = defaultdict(list)
    for holding in holdings:
        mine[holding.position.subscription_id].append(holding)
    running, ended = [], []
    for subscription in subscriptions:
        held = tuple(mine[subscription.pk])
        if subscription.status == Subscription.Status.CLOSED:
            ended.append(EndedCopy(subscription, held))
        else:
            running.append(Copy(subscription, held, specks[subscription.pk]))
    return running, ended


def totals_of(
    copies: Sequence[Copy],
    ended: Sequence[EndedCopy],
    *,
    user_id: int,
    since: datetime,
    openings: Mapping[int, Decimal],
) -> list[Totals]:
    """One line per quote coin: sums of different coins are not sums.

    `openings`: what each copy had made when the day began, at `since`.
    """
    realised = dict(
        Trade.objects.of_follower(user_id)
        .filter(at__gte=since)
        .values_list("strategy__quote")
        .annotate(Sum("realised_pnl"))
        .order_by()
    )
    everything: list[Copy | EndedCopy] = [*copies, *ended]
    quotes = sorted({copy.subscription.strategy.quote for copy in everything})
    return [
        _total(
            quote,
            [copy for copy in copies if copy.subscription.strategy.quote == quote],
            [copy for copy in ended if copy.subscription.strategy.quote == quote],
            realised_today=realised.get(quote, Decimal(0)),
            since=since,
            openings=openings,
        )
        for quote in quotes
    ]


def _total(
    quote: str,
    copies: Sequence[Copy],
    ended: Sequence[EndedCopy],
    *,
    realised_today: Decimal,
    since: datetime,
    openings: Mapping[int, Decimal],
) -> Totals:
    everything: list[Copy | EndedCopy] = [*copies, *ended]
    ended_today = [copy for copy in ended if (copy.subscription.closed_at or since) >= since]
    of_today: list[Copy | EndedCopy] = [*copies, *ended_today]
    return Totals(
        quote=quote,
        equity=_sum([copy.equity for copy in copies]),
        result=_sum([copy.result for copy in everything]),
        allocation=sum((copy.subscription.allocation for copy in everything), Decimal(0)),
        realised_today=realised_today,
        today=_sum([_change(copy, openings.get(copy.subscription.pk)) for copy in of_today]),
        began_with=sum(
            (
                copy.subscription.allocation + openings.get(copy.subscription.pk, Decimal(0))
                for copy in of_today
            ),
            Decimal(0),
        ),
        ended=len(ended),
    )


def _change(copy: Copy | EndedCopy, opening: Decimal | None) -> Decimal | None:
    return None if copy.result is None or opening is None else copy.result - opening


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    return None if None in values else sum((value for value in values if value is not None), Decimal(0))
