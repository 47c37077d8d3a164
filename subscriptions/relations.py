"""Subscriptions as trading works on them: plain rows, locked, changed and written many at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal

from records.bulk import select, update_rows
from subscriptions.models import Subscription


@dataclass(slots=True)
class Relation:
    """A row of Subscription: whom it copies with how much, and its money in the strategy's quote."""

    id: int
    follower_id: int
    exchange_account_id: int
    status: str
    allocation: Decimal
    cash: Decimal
    reserved: Decimal
    realised_pnl: Decimal
    sizing_mode: str
    sizing_value: Decimal
    max_slippage_bps: int | None
    symbols_blocked: list[str]

    @property
    def available(self) -> Decimal:
        return self.cash - self.reserved


_NAMES = ", ".join(column.name for column in fields(Relation))
_SELECT = "SELECT " + _NAMES + " FROM subscriptions_subscription"  # nosec B608 # noqa: S608 - names of the class
# Without the key, so that who names the same rows in another order (a new order does) need not wait.
_LOCKED = " FOR NO KEY UPDATE"


def lock_relations(subscription_ids: Iterable[int]) -> dict[int, Relation]:
    """By id, and locked in that order, as everybody does."""
    query = _SELECT + " WHERE id = ANY(%s) ORDER BY id" + _LOCKED
    return {row[0]: Relation(*row) for row in select(query, (list(subscription_ids),))}


def lock_followers(strategy_id: int, *, number: int, above: int, upto: int) -> dict[int, Relation]:
    """Those that the strategy's signal of this number must account for, with ids between these."""
    query = (
        _SELECT + " WHERE strategy_id = %s AND status <> 'closed' AND starts_after_number < %s"
        " AND id > %s AND id <= %s ORDER BY id" + _LOCKED
    )
    rows = select(query, (strategy_id, number, above, upto))
    return {row[0]: Relation(*row) for row in rows}


def next_followers(strategy_id: int, *, above: int, most: int) -> dict[int, Relation]:
    """Of those that a signal of now must account for the next ones by id, for who only reads."""
    query = _SELECT + " WHERE strategy_id = %s AND status <> 'closed' AND id > %s ORDER BY id LIMIT %s"
    return {row[0]: Relation(*row) for row in select(query, (strategy_id, above, most))}


def write_money(relations: Iterable[Relation]) -> None:
    update_rows(
        Subscription,
        ("id", "cash", "reserved", "realised_pnl"),
        [(row.id, row.cash, row.reserved, row.realised_pnl) for row in relations],
    )
