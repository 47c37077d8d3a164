"""From fills to the books: Fill, Trade, Postings and Position in the caller's transaction.

The caller holds the lock of whatever owns the positions (the subscriptions', or the strategy's for a
master's fills), so that what is known and what is new cannot change meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from exchanges.rounding import EXACT, plain
from exchanges.types import FillReport
from ledger.models import Fill, Mark, Position, Posting, Trade
from ledger.pnl import PLACES, Booked, Execution, Holding, book
from records.bulk import insert_rows, next_ids, select, update_rows
from records.fields import uuid7_texts
from subscriptions.relations import Relation, write_money

ZERO = Decimal(0)
FillKey = tuple[int, str, str, str]
# Strategy, subscription (None = the master's own), symbol.
PositionKey = tuple[int, int | None, str]


@dataclass(slots=True)
class SubPosition:
    """A row of Position, to be changed in memory and written with others; see the model."""

    id: int
    strategy_id: int
    subscription_id: int | None
    symbol: str
    target: Decimal
    held: Decimal
    cost: Decimal
    realised_pnl: Decimal
    fees: Decimal

    @property
    def average_cost(self) -> Decimal | None:
        return self.cost / self.held if self.held > 0 else None


Positions = Mapping[PositionKey, SubPosition]


class Entry(NamedTuple):
    """A fill, and whose it is: a follower's subscription, or (None) the strategy's own master."""

    fill: FillReport
    account_id: int
    exchange: str
    strategy_id: int
    relation: Relation | None
    client_order_id: str = ""
    signal_at: datetime | None = None
    master_price: Decimal | None = None

    @property
    def key(self) -> FillKey:
        fill = self.fill
        return (self.account_id, fill.symbol, fill.venue_order_id, fill.trade_id)

    @property
    def position_key(self) -> PositionKey:
        return (self.strategy_id, self.relation.id if self.relation else None, self.fill.symbol)


def book_fills(entries: Sequence[Entry], *, now: datetime) -> list[Entry]:
    """Book every fill that is not in the books yet, in order, and return those. Twice changes nothing."""
    positions = positions_for([entry.position_key for entry in entries])
    new = apply_fills(entries, positions, now=now)
    write_positions(positions.values(), now=now)
    write_money({entry.relation.id: entry.relation for entry in new if entry.relation}.values())
    return new


def apply_fills(entries: Sequence[Entry], positions: Positions, *, now: datetime) -> list[Entry]:
    """The same, but leaves the changed positions and cash to the caller to write."""
    new = _unknown(entries)
    if new:
        marks = _marks_for_third_coins(new)
        booked = [(entry, apply_fill(entry, positions[entry.position_key], marks)) for entry in new]
        _write(booked, now)
    return new


def positions_for(keys: Iterable[PositionKey]) -> dict[PositionKey, SubPosition]:
    """The positions of (strategy, subscription, symbol), made where they do not exist yet."""
    wanted = dict.fromkeys(keys)
    found = _positions(wanted)
    missing = [key for key in wanted if key not in found]
    if missing:
        Position.objects.bulk_create(
            [Position(strategy_id=s, subscription_id=sub, symbol=symbol) for s, sub, symbol in missing],
            ignore_conflicts=True,
        )
        found = _positions(wanted)
    return found


def known_positions(keys: Iterable[PositionKey]) -> dict[PositionKey, SubPosition]:
    """The same for who only reads: what does not exist yet is empty and stays unwritten."""
    wanted = dict.fromkeys(keys)
    return {key: SubPosition(0, *key, *[ZERO] * 5) for key in wanted} | _positions(wanted)


def write_positions(positions: Iterable[SubPosition], *, now: datetime) -> None:
    update_rows(
        Position,
        ("id", "target", "held", "cost", "realised_pnl", "fees", "updated_at"),
        [(row.id, row.target, row.held, row.cost, row.realised_pnl, row.fees, now) for row in positions],
    )


_SELECT = (
    "SELECT id, strategy_id, subscription_id, symbol, target, held, cost, realised_pnl, fees"
    " FROM ledger_position WHERE symbol = ANY(%s) AND "
)
_OF_SUBSCRIPTIONS = _SELECT + "subscription_id = ANY(%s)"
_OF_MASTERS = _SELECT + "subscription_id IS NULL AND strategy_id = ANY(%s)"


def _positions(wanted: Iterable[PositionKey]) -> dict[PositionKey, SubPosition]:
    found: dict[PositionKey, SubPosition] = {}
    symbols = list({symbol for _, _, symbol in wanted})
    subscriptions = [subscription for _, subscription, _ in wanted if subscription]
    masters = [strategy for strategy, subscription, _ in wanted if not subscription]
    for query, owners in ((_OF_SUBSCRIPTIONS, subscriptions), (_OF_MASTERS, masters)):
        for row in select(query, (symbols, owners)) if owners else ():
            found[row[1], row[2], row[3]] = SubPosition(*row)
    return {key: found[key] for key in wanted if key in found}


def _unknown(entries: Sequence[Entry]) -> list[Entry]:
    by_key = {entry.key: entry for entry in entries}
    if not by_key:
        return []
    # By the whole name of each order: an account's fills grow for years, an order's do not.
    named = list({key[:3] for key in by_key})
    known = select(
        "SELECT f.exchange_account_id, f.symbol, f.venue_order_id, f.trade_id"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS told(account, symbol, venue_order)"
        " JOIN ledger_fill f ON f.exchange_account_id = told.account AND f.symbol = told.symbol"
        " AND f.venue_order_id = told.venue_order",
        tuple([name[place] for name in named] for place in range(3)),
    )
    for key in known:
        by_key.pop(key, None)
    return sorted(by_key.values(), key=lambda entry: (entry.fill.at, entry.fill.trade_id))


def _marks_for_third_coins(entries: Sequence[Entry]) -> dict[tuple[str, str], Decimal]:
    """Prices of fee coins that are neither side of their trade, by venue and symbol."""
    wanted = {
        (entry.exchange, f"{entry.fill.fee_asset}/{quote}")
        for entry in entries
        for base, _, quote in [entry.fill.symbol.partition("/")]
        if entry.fill.fee and entry.fill.fee_asset not in (base, quote)
    }
    if not wanted:
        return {}
    marks = Mark.objects.filter(
        exchange__in={venue for venue, _ in wanted}, symbol__in={symbol for _, symbol in wanted}
    )
    return {(mark.exchange, mark.symbol): mark.price for mark in marks}


def apply_fill(entry: Entry, position: SubPosition, marks: Mapping[tuple[str, str], Decimal]) -> Booked:
    """Change position and cash in memory; `marks` are the prices of third coins that fees were taken in."""
    fill = entry.fill
    base, _, quote = fill.symbol.partition("/")
    execution = Execution(
        side=fill.side,
        price=fill.price,
        quantity=fill.quantity,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        base=base,
        quote=quote,
        fee_price=marks.get((entry.exchange, f"{fill.fee_asset}/{quote}")),
    )
    booked = book(Holding(position.held, position.cost, position.realised_pnl, position.fees), execution)
    position.held, position.cost = booked.holding.held, booked.holding.cost
    position.realised_pnl, position.fees = booked.holding.realised_pnl, booked.holding.fees
    if entry.relation:
        entry.relation.cash += booked.cash_change
        entry.relation.realised_pnl += booked.realised_pnl
    return booked


_FILL = (
    "id", "exchange_account", "symbol", "venue_order_id", "trade_id", "client_order_id", "side", "price",
    "quantity", "fee", "fee_asset", "at", "recorded_at",
)  # fmt: skip
_TRADE = (
    "id", "public_id", "fill", "strategy", "subscription", "exchange_account", "at", "symbol", "side",
    "price", "quantity", "cost", "fee", "fee_asset", "fee_in_quote", "realised_pnl", "signal_at",
    "master_price", "input_hash", "created_at",
)  # fmt: skip
_POSTING = ("trade", "source", "destination", "amount", "asset")


def _write(booked: Sequence[tuple[Entry, Booked]], now: datetime) -> None:
    fills, trades, postings = [], [], []
    count = len(booked)
    keys = zip(next_ids(count, Fill, Trade), uuid7_texts(count), strict=True)
    for (entry, result), ((fill_id, trade_id), public_id) in zip(booked, keys, strict=True):
        fills.append(_fill_row(entry, fill_id, now))
        trades.append(_trade_row(entry, result, fill_id, trade_id, public_id, now))
        postings += _postings(entry, result, trade_id)
    insert_rows(Fill, _FILL, fills)
    insert_rows(Trade, _TRADE, trades)
    insert_rows(Posting, _POSTING, postings)


def _fill_row(entry: Entry, fill_id: int, now: datetime) -> tuple[object, ...]:
    fill = entry.fill
    return (
        fill_id, entry.account_id, fill.symbol, fill.venue_order_id, fill.trade_id, entry.client_order_id,
        fill.side, fill.price, fill.quantity, fill.fee, fill.fee_asset, fill.at, now,
    )  # fmt: skip


def _trade_row(
    entry: Entry, result: Booked, fill_id: int, trade_id: int, public_id: str, now: datetime
) -> tuple[object, ...]:
    fill, relation = entry.fill, entry.relation
    return (
        trade_id, public_id, fill_id, entry.strategy_id, relation.id if relation else None,
        entry.account_id, fill.at, fill.symbol, fill.side, fill.price, fill.quantity, result.notional,
        fill.fee, fill.fee_asset, result.fee_in_quote, result.realised_pnl, entry.signal_at,
        entry.master_price, input_hash(entry), now,
    )  # fmt: skip


def input_hash(entry: Entry) -> str:
    """SHA-256 over what the venue said, so that a changed row is found."""
    return _hash(entry.account_id, entry.fill)


def fill_hash(fill: Fill) -> str:
    """The same over the row."""
    return _hash(fill.exchange_account_id, fill)


def _hash(account_id: int, fill: FillReport | Fill) -> str:
    parts = [
        str(account_id),
        fill.symbol,
        fill.venue_order_id,
        fill.trade_id,
        str(fill.side),
        _as_kept(fill.price),
        _as_kept(fill.quantity),
        _as_kept(fill.fee),
        fill.fee_asset,
        fill.at.astimezone(UTC).isoformat(),
    ]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _as_kept(number: Decimal) -> str:
    return plain(number.quantize(PLACES, ROUND_HALF_EVEN, EXACT))


def _postings(entry: Entry, result: Booked, trade_id: int) -> list[tuple[object, ...]]:
    """Coins and quote change places with the venue; a fee goes to the venue from what pays it."""
    fill = entry.fill
    base, _, quote = fill.symbol.partition("/")
    owner = f"subscription:{entry.relation.id}" if entry.relation else f"strategy:{entry.strategy_id}"
    venue = f"venue:{entry.exchange}"
    cash, position = f"{owner}:cash", f"{owner}:position"
    if fill.side == "buy":
        moves = [(cash, venue, result.notional, quote), (venue, position, fill.quantity, base)]
    else:
        moves = [(position, venue, fill.quantity, base), (venue, cash, result.notional, quote)]
    if fill.fee > 0:
        payers = {base: position, quote: cash}
        payer = payers.get(fill.fee_asset, f"account:{entry.account_id}:unallocated")
        moves.append((payer, f"{venue}:fees", fill.fee, fill.fee_asset))
    return [(trade_id, *move) for move in moves if move[2] > 0]
