"""Trades as a file of any size, in constant memory: CSV of RFC 4180, or one JSON array."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from exchanges.rounding import plain
from ledger.models import Trade
from rest.csv_cells import neutralised

# Column of the file → column of the query (an annotation where it is not the trade's own).
COLUMNS = {
    "id": "public_id",
    "at": "at",
    "strategy": "strategy__public_id",
    "subscription": "subscription__public_id",
    "exchange_account": "exchange_account__public_id",
    "symbol": "symbol",
    "side": "side",
    "price": "price",
    "amount": "quantity",
    "cost": "cost",
    "fee": "fee",
    "fee_asset": "fee_asset",
    "fee_in_quote": "fee_in_quote",
    "realised_pnl": "realised_pnl",
    "order": "order_id_shown",
    "venue_trade_id": "fill__trade_id",
}
CHUNK = 2000

Row = Sequence[Any]


class LineWriter:
    """What csv.writer writes to: gives the line back."""

    def write(self, line: str) -> str:
        return line


def rows_of(trades: QuerySet[Trade]) -> Iterator[Row]:
    """Newest first; from a cursor of the database, never all at once."""
    return trades.order_by("-pk").values_list(*COLUMNS.values()).iterator(chunk_size=CHUNK)


def as_csv(rows: Iterable[Row]) -> Iterator[str]:
    writer = csv.writer(LineWriter())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([cell(value) for value in row])


def as_json(rows: Iterable[Row]) -> Iterator[str]:
    separator = "["
    for row in rows:
        values = {name: _value(value) for name, value in zip(COLUMNS, row, strict=True)}
        yield separator + json.dumps(values, ensure_ascii=False)
        separator = ",\n"
    yield "[]\n" if separator == "[" else "]\n"


def cell(value: Any) -> str:
    """As every file of ours shows it; text that a spreadsheet would take for a formula is neutralised."""
    if value is None:
        return ""
    shown: str = _value(value)
    # Numbers stay numbers, negative ones too.
    return shown if isinstance(value, Decimal) else neutralised(shown)


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID) else value
