"""What the books say of a strategy's account since its publication, in the words of performance.py.

Fills, deposits and withdrawals, kept prices, and the first reading of the account's equity: rows that
never change, so that the same answer follows from them at any later time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ledger.flows import counted, price_of, transfers_of
from ledger.models import PricePoint, Trade
from ledger.performance import ZERO, Deal, Flow, Price, Worth, worth_over_time
from strategies.models import PerformanceSnapshot, Period, Signal, Strategy

HOUR = timedelta(hours=1)
# A young account is looked at in steps of five minutes, later in hours.
YOUNG = timedelta(days=7)
# More fills than this are not looked at one by one: the hours tell enough.
MOST_FILLS_AS_POINTS = 5_000


@dataclass(frozen=True, slots=True)
class History:
    """`worth` is empty where the account's equity was never read; `earned` is then still told.

    `flows_uncounted`: when coins came or went whose price of then is not known; `fees_uncounted`: when fees
    were taken in such a coin.
    """

    deals: tuple[Deal, ...]
    worth: tuple[Worth, ...]
    earned: tuple[Worth, ...]
    flows_uncounted: tuple[datetime, ...]
    fees_uncounted: tuple[datetime, ...]


def history_of(strategy: Strategy, *, now: datetime) -> History | None:
    """None: it was never published. `exchange_account` must be at hand."""
    since = strategy.published_at
    if since is None or since >= now:
        return None
    deals = _deals(strategy, now)
    prices = _prices(strategy, {deal.symbol for deal in deals}, since=since, now=now)
    transfers = list(transfers_of(strategy, since=since, now=now).order_by("at", "id"))
    flows = counted(transfers)
    moments = _moments(since, now, deals)
    earned = worth_over_time(opening=ZERO, deals=deals, flows=(), prices=prices, moments=moments)
    opening = _opening(strategy, deals, flows, prices)
    worth: Sequence[Worth] = ()
    if opening is not None:
        worth = worth_over_time(opening=opening, deals=deals, flows=flows, prices=prices, moments=moments)
    return History(
        deals=tuple(deals),
        worth=tuple(worth),
        earned=tuple(earned),
        flows_uncounted=tuple(transfer.at for transfer in transfers if price_of(transfer) is None),
        fees_uncounted=tuple(
            Trade.objects.of_master(strategy.pk)
            .with_fees_uncounted()
            .filter(at__gte=since, at__lte=now)
            .values_list("at", flat=True)
        ),
    )


def begin_of(strategy: Strategy, period: Period, *, now: datetime) -> datetime:
    """Of the period, or the publication where that is later."""
    published = strategy.published_at or now
    return max(published, now - timedelta(days=period.days)) if period.days else published


def _deals(strategy: Strategy, now: datetime) -> list[Deal]:
    rows = (
        Trade.objects.of_master(strategy.pk)
        .standing()
        .filter(at__gte=strategy.published_at, at__lte=now)
        .order_by("at", "id")
        .values_list(
            "at",
            "symbol",
            "side",
            "price",
            "quantity",
            "cost",
            "fee",
            "fee_asset",
            "fee_in_quote",
            "realised_pnl",
        )
    )
    deals = []
    for at, symbol, side, price, quantity, cost, fee, fee_asset, fee_value, realised in rows.iterator():
        is_in_base = fee_asset == symbol.partition("/")[0]
        deals.append(
            Deal(
                at=at,
                symbol=symbol,
                side=side,
                price=price,
                quantity=quantity,
                notional=cost,
                fee_in_base=fee if is_in_base else ZERO,
                fee_in_cash=ZERO if is_in_base else fee_value or ZERO,
                realised_pnl=realised,
            )
        )
    return deals


def _prices(strategy: Strategy, symbols: set[str], *, since: datetime, now: datetime) -> list[Price]:
    rows = PricePoint.objects.filter(
        exchange=strategy.exchange_account.exchange, symbol__in=symbols, at__gte=since, at__lte=now
    ).order_by("at", "symbol")
    if now - since > YOUNG:
        rows = rows.filter(at__minute=0)
    return [Price(at, symbol, price) for at, symbol, price in rows.values_list("at", "symbol", "price")]


def _moments(since: datetime, now: datetime, deals: Sequence[Deal]) -> list[datetime]:
    step = HOUR if now - since > YOUNG else PricePoint.STRETCH
    beginning = datetime(1970, 1, 1, tzinfo=UTC)
    first = beginning + ((since - beginning) // step + 1) * step
    steps = [first + n * step for n in range(max((now - first) // step + 1, 0))]
    begins = [now - timedelta(days=period.days) for period in Period if period.days]
    fills = [deal.at for deal in deals] if len(deals) <= MOST_FILLS_AS_POINTS else []
    return [since, *steps, *(begin for begin in begins if begin > since), *fills, now]


def _opening(
    strategy: Strategy, deals: Sequence[Deal], flows: Sequence[Flow], prices: Sequence[Price]
) -> Decimal | None:
    """The account's equity at the publication: its first reading, less what came and was made until then."""
    reading = (
        PerformanceSnapshot.objects.filter(strategy=strategy, at__gte=strategy.published_at)
        .order_by("at")
        .first()
    )
    if reading is None:
        known = Signal.objects.filter(strategy=strategy, number__isnull=False, master_equity__isnull=False)
        equity: Decimal | None = known.order_by("number").values_list("master_equity", flat=True).first()
        return equity
    until = worth_over_time(
        opening=ZERO,
        deals=deals,
        flows=[flow for flow in flows if flow.at <= reading.at],
        prices=prices,
        moments=[reading.at],
    )
    before: Decimal = reading.equity - until[-1].equity
    return before
