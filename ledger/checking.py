"""The books recounted from the fills: postings, trades, positions and the cash of every copy.

Reads in the order of booking from a cursor of the database, so a long history takes no memory.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from itertools import groupby

from django.db import connection, transaction
from django.db.models import F

from exchanges.rounding import EXACT, plain
from ledger.booking import fill_hash
from ledger.models import Adjustment, Fill, Position, Posting, Trade
from ledger.pnl import NOTHING, ZERO, Booked, Holding, book
from ledger.recounting import OTHER_SIDE, execution_of, recounted, taking_back, without_what_left
from subscriptions.models import Subscription

CHUNK = 1000
# Source or destination, and asset → what came less what went.
Balances = dict[tuple[str, str], Decimal]


@dataclass(frozen=True, slots=True)
class Miscount:
    """Where the books differ from what their fills say."""

    object: str
    sentence: str


@dataclass(slots=True)
class Recount:
    """What the fills of a copy (or a master) come to."""

    cash: Decimal = ZERO
    realised_pnl: Decimal = ZERO


def check_books() -> Iterator[Miscount]:
    """Every difference, one after the other, of the books as they are at this moment."""
    with _one_moment():
        copies: dict[int, Recount] = defaultdict(Recount)
        known: set[tuple[int, int | None, str]] = set()
        yield from _check_trades(copies, known)
        yield from _check_unbooked_positions(known)
        yield from _check_cash(copies)


@contextmanager
def _one_moment() -> Iterator[None]:
    """A transaction that sees the books as they were when it began, whatever is booked meanwhile."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), localcontext(EXACT):
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _check_trades(copies: dict[int, Recount], known: set[tuple[int, int | None, str]]) -> Iterator[Miscount]:
    """Trade by trade in the order of booking; at the end of a position's trades, the position."""
    if Fill.objects.count() != Trade.objects.filter(reverses=None).count():
        yield Miscount("fills", "There are not as many trades as fills.")
    trades = Trade.objects.select_related("fill", "exchange_account").order_by(
        "strategy_id", F("subscription_id").asc(nulls_first=True), "symbol", "pk"
    )
    rows = trades.iterator(chunk_size=CHUNK)
    adjustments = _adjustments()
    for key, of_position in groupby(rows, lambda row: (row.strategy_id, row.subscription_id, row.symbol)):
        holding, gone = NOTHING, adjustments[key[1], key[2]]
        taken_back: set[int] = set()
        for batch in _batches(of_position):
            postings = _postings_of(batch)
            for trade in batch:
                holding = _adjusted(holding, gone, copies, before=trade.created_at)
                booked = _booked(trade, holding, taken_back)
                yield from _check_trade(trade, booked, postings[trade.pk])
                holding = booked.holding
                if trade.subscription_id:
                    copies[trade.subscription_id].cash += booked.cash_change
                    copies[trade.subscription_id].realised_pnl += booked.realised_pnl
        holding = _adjusted(holding, gone, copies, before=None)
        known.add(key)
        yield from _check_position(key, holding)


def _booked(trade: Trade, holding: Holding, taken_back: set[int]) -> Booked:
    """What it comes to after `holding`. A reversal: as if the trade before it had never been."""
    if trade.reverses_id is None:
        return book(holding, execution_of(trade.fill, trade.fee_in_quote))
    taken_back.add(trade.reverses_id)
    key = (trade.strategy_id, trade.subscription_id, trade.symbol)
    after = recounted(key, taken_back=taken_back, before=trade)
    return taking_back(Trade.objects.get(pk=trade.reverses_id), before=holding, after=after)


def _adjustments() -> dict[tuple[int | None, str], deque[Adjustment]]:
    """By copy and symbol, oldest first; there are few."""
    found: dict[tuple[int | None, str], deque[Adjustment]] = defaultdict(deque)
    for adjustment in Adjustment.objects.order_by("pk"):
        found[adjustment.subscription_id, adjustment.symbol].append(adjustment)
    return found


def _adjusted(
    holding: Holding, gone: deque[Adjustment], copies: dict[int, Recount], *, before: datetime | None
) -> Holding:
    """What is left of it after the coins that left without an order, before that moment."""
    while gone and (before is None or gone[0].at < before):
        adjustment = gone.popleft()
        copies[adjustment.subscription_id].cash += adjustment.cost
        holding = without_what_left(holding, adjustment)
    return holding


def _batches(trades: Iterable[Trade]) -> Iterator[list[Trade]]:
    batch: list[Trade] = []
    for trade in trades:
        batch.append(trade)
        if len(batch) == CHUNK:
            yield batch
            batch = []
    if batch:
        yield batch


def _postings_of(trades: Iterable[Trade]) -> dict[int, Balances]:
    """By trade: what its postings moved, out of each account and into each."""
    moved: dict[int, Balances] = defaultdict(lambda: defaultdict(Decimal))
    for posting in Posting.objects.filter(trade__in=[trade.pk for trade in trades]):
        of_trade = moved[posting.trade_id or 0]
        of_trade[posting.source, posting.asset] -= posting.amount
        of_trade[posting.destination, posting.asset] += posting.amount
    return moved


def _check_trade(trade: Trade, booked: Booked, moved: Balances) -> Iterator[Miscount]:
    fill, name = trade.fill, f"trade {trade.public_id}"
    if fill_hash(fill) != trade.input_hash:
        yield Miscount(name, "Its fill is not what the exchange told: the hash differs.")
    for field, told in _told_by(fill, is_reversed=trade.reverses_id is not None).items():
        if getattr(trade, field) != told:
            yield Miscount(name, f"Its {field} is not that of its fill.")
    yield from _compare(name, "cost", trade.cost, booked.notional)
    yield from _compare(name, "realised_pnl", trade.realised_pnl, booked.realised_pnl)
    yield from _check_postings(trade, moved)


def _told_by(fill: Fill, *, is_reversed: bool) -> dict[str, object]:
    """Columns of its trade, or of the trade's reversal, which is of a later time."""
    same = ("symbol", "price", "quantity", "fee_asset", "exchange_account_id")
    told: dict[str, object] = {field: getattr(fill, field) for field in same}
    if is_reversed:
        return told | {"side": OTHER_SIDE[fill.side], "fee": -fill.fee}
    return told | {"side": fill.side, "fee": fill.fee, "at": fill.at}


def _check_postings(trade: Trade, moved: Balances) -> Iterator[Miscount]:
    """Each asset nets to zero, and the copy's (or master's) part is what the fill moved."""
    name = f"trade {trade.public_id}"
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for (_, asset), amount in moved.items():
        totals[asset] += amount
    for asset, total in totals.items():
        yield from _compare(name, f"postings in {asset}, summed", total, ZERO)
    base, _, quote = trade.symbol.partition("/")
    sign = 1 if trade.side == "buy" else -1
    is_copy = trade.subscription_id is not None
    owner = f"subscription:{trade.subscription_id}" if is_copy else f"strategy:{trade.strategy_id}"
    coins = sign * trade.quantity - (trade.fee if trade.fee_asset == base else ZERO)
    money = -sign * trade.cost - (trade.fee if trade.fee_asset == quote else ZERO)
    yield from _compare(name, f"{base} posted", moved.get((f"{owner}:position", base), ZERO), coins)
    yield from _compare(name, f"{quote} posted", moved.get((f"{owner}:cash", quote), ZERO), money)


def _check_position(key: tuple[int, int | None, str], holding: Holding) -> Iterator[Miscount]:
    strategy_id, subscription_id, symbol = key
    row = Position.objects.filter(strategy=strategy_id, subscription=subscription_id, symbol=symbol).first()
    name = f"position {row.public_id if row else key}"
    for field in ("held", "cost", "realised_pnl", "fees"):
        yield from _compare(name, field, getattr(row, field) if row else ZERO, getattr(holding, field))


def _check_unbooked_positions(known: set[tuple[int, int | None, str]]) -> Iterator[Miscount]:
    for row in Position.objects.exclude(held=0, cost=0, realised_pnl=0).iterator(chunk_size=CHUNK):
        if (row.strategy_id, row.subscription_id, row.symbol) not in known:
            yield Miscount(f"position {row.public_id}", "No trade made it.")


def _check_cash(copies: dict[int, Recount]) -> Iterator[Miscount]:
    for row in Subscription.objects.order_by("pk").iterator(chunk_size=CHUNK):
        told, name = copies.get(row.pk, Recount()), f"subscription {row.public_id}"
        yield from _compare(name, "cash", row.cash, row.allocation + told.cash)
        yield from _compare(name, "realised_pnl", row.realised_pnl, told.realised_pnl)


def _compare(name: str, what: str, kept: Decimal, recounted: Decimal) -> Iterator[Miscount]:
    if kept != recounted:
        yield Miscount(name, f"Its {what}: the books say {plain(kept)}, the fills {plain(recounted)}.")
