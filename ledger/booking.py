"""From fills to the books: Fill, Trade, Postings and Position in the caller's transaction.

The caller holds the lock of whatever owns the positions (the subscriptions', or the strategy's for a
master's fills), so that what is known and what is new cannot change meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from exchanges.rounding import plain
from exchanges.types import FillReport
from ledger.models import Fill, Mark, Position, Posting, Trade
from ledger.pnl import Booked, Execution, Holding, book
from records.bulk import insert_rows, update_rows
from strategies.models import Strategy
from subscriptions.models import Subscription

FillKey = tuple[int, str, str, str]
# Strategy, subscription (None = the master's own), symbol.
PositionKey = tuple[int, int | None, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A fill, and whose it is: a follower's subscription, or (None) the strategy's own master."""

    fill: FillReport
    account_id: int
    exchange: str
    strategy: Strategy
    subscription: Subscription | None
    client_order_id: str = ""
    signal_at: datetime | None = None
    master_price: Decimal | None = None

    @property
    def key(self) -> FillKey:
        fill = self.fill
        return (self.account_id, fill.symbol, fill.venue_order_id, fill.trade_id)

    @property
    def position_key(self) -> PositionKey:
        subscription_id = self.subscription.pk if self.subscription else None
        return (self.strategy.pk, subscription_id, self.fill.symbol)


def book_fills(entries: Sequence[Entry], *, now: datetime) -> list[Entry]:
    """Book every fill that is not in the books yet, in order, and return those. Twice changes nothing."""
    new = _unknown(entries)
    if not new:
        return []
    positions = positions_for([entry.position_key for entry in new])
    marks = _marks_for_third_coins(new)
    booked = [(entry, _apply(entry, positions[entry.position_key], marks, now)) for entry in new]
    _write(booked, now)
    update_rows(Position, [_position_row(position) for position in _changed(new, positions)])
    update_rows(Subscription, _subscription_rows(new))
    return new


def positions_for(keys: Iterable[PositionKey]) -> dict[PositionKey, Position]:
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


def _positions(
    wanted: dict[PositionKey, None],
) -> dict[PositionKey, Position]:
    subscriptions = {sub for _, sub, _ in wanted if sub is not None}
    masters = {strategy for strategy, sub, _ in wanted if sub is None}
    symbols = {symbol for _, _, symbol in wanted}
    whose = Q(subscription_id__in=subscriptions) | Q(subscription=None, strategy_id__in=masters)
    rows = Position.objects.filter(whose, symbol__in=symbols)
    by_key = {(row.strategy_id, row.subscription_id, row.symbol): row for row in rows}
    return {key: by_key[key] for key in wanted if key in by_key}


def _unknown(entries: Sequence[Entry]) -> list[Entry]:
    by_key = {entry.key: entry for entry in entries}
    known = Fill.objects.filter(
        exchange_account_id__in={key[0] for key in by_key}, venue_order_id__in={key[2] for key in by_key}
    ).values_list("exchange_account_id", "symbol", "venue_order_id", "trade_id")
    for key in known:
        by_key.pop(key, None)
    return sorted(by_key.values(), key=lambda entry: (entry.fill.at, entry.fill.trade_id))


def _marks_for_third_coins(entries: Sequence[Entry]) -> dict[tuple[str, str], Decimal]:
    """Prices of fee coins that are neither side of their trade, by venue and symbol."""
    wanted = {
        (entry.exchange, f"{entry.fill.fee_asset}/{entry.strategy.quote}")
        for entry in entries
        if entry.fill.fee and entry.fill.fee_asset not in entry.fill.symbol.split("/")
    }
    if not wanted:
        return {}
    marks = Mark.objects.filter(
        exchange__in={venue for venue, _ in wanted}, symbol__in={symbol for _, symbol in wanted}
    )
    return {(mark.exchange, mark.symbol): mark.price for mark in marks}


def _apply(entry: Entry, position: Position, marks: dict[tuple[str, str], Decimal], now: datetime) -> Booked:
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
    position.updated_at = now
    if entry.subscription:
        entry.subscription.cash += booked.cash_change
        entry.subscription.realised_pnl += booked.realised_pnl
    return booked


def _write(booked: Sequence[tuple[Entry, Booked]], now: datetime) -> None:
    fills = [_fill_row(entry, now) for entry, _ in booked]
    insert_rows(fills)
    trades = [
        _trade_row(entry, result, fill, now) for (entry, result), fill in zip(booked, fills, strict=True)
    ]
    insert_rows(trades)
    insert_rows(
        [
            posting
            for (entry, result), trade in zip(booked, trades, strict=True)
            for posting in _postings(entry, result, trade)
        ]
    )


def _fill_row(entry: Entry, now: datetime) -> Fill:
    fill = entry.fill
    return Fill(
        exchange_account_id=entry.account_id,
        symbol=fill.symbol,
        venue_order_id=fill.venue_order_id,
        trade_id=fill.trade_id,
        client_order_id=entry.client_order_id,
        side=fill.side.value,
        price=fill.price,
        quantity=fill.quantity,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        at=fill.at,
        recorded_at=now,
    )


def _trade_row(entry: Entry, result: Booked, fill: Fill, now: datetime) -> Trade:
    return Trade(
        fill=fill,
        strategy=entry.strategy,
        subscription=entry.subscription,
        exchange_account_id=entry.account_id,
        at=fill.at,
        symbol=fill.symbol,
        side=fill.side,
        price=fill.price,
        quantity=fill.quantity,
        cost=result.notional,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        fee_in_quote=result.fee_in_quote,
        realised_pnl=result.realised_pnl,
        signal_at=entry.signal_at,
        master_price=entry.master_price,
        input_hash=input_hash(entry),
        created_at=now,
    )


def input_hash(entry: Entry) -> str:
    """SHA-256 over what the venue said, so that a changed row is found."""
    fill = entry.fill
    parts = [
        str(entry.account_id),
        fill.symbol,
        fill.venue_order_id,
        fill.trade_id,
        fill.side.value,
        plain(fill.price),
        plain(fill.quantity),
        plain(fill.fee),
        fill.fee_asset,
        fill.at.isoformat(),
    ]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _postings(entry: Entry, result: Booked, trade: Trade) -> list[Posting]:
    """Coins and quote change places with the venue; a fee goes to the venue from what pays it."""
    fill = entry.fill
    base, _, quote = fill.symbol.partition("/")
    owner = f"subscription:{entry.subscription.pk}" if entry.subscription else f"strategy:{entry.strategy.pk}"
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
    return [
        Posting(trade=trade, source=source, destination=destination, amount=amount, asset=asset)
        for source, destination, amount, asset in moves
        if amount > 0
    ]


def _changed(entries: Sequence[Entry], positions: dict[PositionKey, Position]) -> list[Position]:
    keys = dict.fromkeys(entry.position_key for entry in entries)
    return [positions[key] for key in keys]


def _position_row(position: Position) -> dict[str, object]:
    return {
        "id": position.pk,
        "held": position.held,
        "cost": position.cost,
        "realised_pnl": position.realised_pnl,
        "fees": position.fees,
        "updated_at": position.updated_at,
    }


def _subscription_rows(entries: Sequence[Entry]) -> list[dict[str, object]]:
    changed = {entry.subscription.pk: entry.subscription for entry in entries if entry.subscription}
    return [{"id": row.pk, "cash": row.cash, "realised_pnl": row.realised_pnl} for row in changed.values()]
