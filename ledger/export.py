"""Trades as a file of any size, in constant memory: CSV of RFC 4180, or one JSON array.

PostgreSQL writes the cells and sends them row by row (COPY), so the first leaves at once and none is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from exchanges.rounding import plain
from ledger.models import Trade
from records.bulk import copy_out
from rest.csv_cells import FORMULA_STARTS, neutralised

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
    "reverses": "reverses_shown",
    "reversed_by": "reversed_by_shown",
}
NUMBERS = {"price", "amount", "cost", "fee", "fee_in_quote", "realised_pnl"}
TEXTS = {"symbol", "fee_asset", "venue_trade_id"}
CHUNK = 2000

Blocks = Iterator[list[bytes]]


class LineWriter:
    """What csv.writer writes to: gives the line back."""

    def write(self, line: str) -> str:
        return line


@dataclass(frozen=True, slots=True)
class Form:
    """How trades become a file: `rows` of a query as PostgreSQL writes them, in blocks, then `framed`."""

    content_type: str
    rows: Callable[[QuerySet[Trade]], Blocks]
    framed: Callable[[Blocks], Iterator[bytes]]

    def file_of(self, trades: QuerySet[Trade]) -> Iterator[bytes]:
        return self.framed(self.rows(trades))


def _csv_rows(trades: QuerySet[Trade]) -> Blocks:
    query, parameters = _cells(trades, as_text=_neutral)
    return copy_out(query, parameters, options="FORMAT csv", at_once=CHUNK)


def _as_csv(blocks: Blocks) -> Iterator[bytes]:
    """Beneath one header row."""
    yield ",".join(COLUMNS).encode() + b"\r\n"
    for rows in blocks:
        # PostgreSQL ends each row with a line feed alone.
        yield b"".join([row[:-1] + b"\r\n" for row in rows])


def _json_rows(trades: QuerySet[Trade]) -> Blocks:
    query, parameters = _cells(trades, as_text=str)
    objects = f"SELECT row_to_json(cells) FROM ({query}) cells"  # noqa: S608 # nosec B608 - own names
    return copy_out(objects, parameters, options="FORMAT text", at_once=CHUNK)


def _as_json(blocks: Blocks) -> Iterator[bytes]:
    """One array."""
    separator = b"["
    for rows in blocks:
        # In JSON every control character is escaped already: this form only doubles backslashes.
        block = b",\n".join([row[:-1] for row in rows]).replace(b"\\\\", b"\\")
        yield separator + block
        separator = b",\n"
    yield b"[]\n" if separator == b"[" else b"]\n"


# Newest first.
FORMS = {
    "csv": Form("text/csv; charset=utf-8", _csv_rows, _as_csv),
    "json": Form("application/json", _json_rows, _as_json),
}


def _cells(trades: QuerySet[Trade], *, as_text: Callable[[str], str]) -> tuple[str, Sequence[Any]]:
    """A query whose columns are those of the file, as texts. A subquery's order stays."""
    rows = trades.order_by("-pk").values_list(*COLUMNS.values())
    query, parameters = rows.query.sql_with_params()
    shown = ", ".join(f'{_shown(name, as_text)} AS "{name}"' for name in COLUMNS)
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    return f"SELECT {shown} FROM ({query}) AS told({names})", parameters  # noqa: S608 # nosec B608 - own names


def _shown(name: str, as_text: Callable[[str], str]) -> str:
    column = f'told."{name}"'
    if name in NUMBERS:
        return f"trim_scale({column})::text"
    if name == "at":
        exact = f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
        return f"replace({exact}, '.000000', '') || 'Z'"
    return as_text(column) if name in TEXTS else f"{column}::text"


def _neutral(column: str) -> str:
    """As `neutralised` has it; and an empty text is an empty cell."""
    starts = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)
    formula = f"left(ltrim({column}, chr(39)), 1) IN ({starts})"
    return f"CASE WHEN {formula} THEN chr(39) || {column} ELSE nullif({column}, '') END"


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
    return str(value) if isinstance(value, UUID | int) else value
