"""Set-wise writes: one statement for many rows, each with values of its own.

The rows travel as one JSON text, which PostgreSQL takes apart: several times cheaper than a parameter for
each value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models


def update_rows(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Update many rows of `model` in one statement.

    Each row maps `id` and the fields to set, by their names; all rows have the same keys.
    """
    if not rows:
        return
    # Typed so because `get_field` may also name a relation the other way, which has no column.
    fields: list[Any] = [model._meta.get_field(name) for name in rows[0]]
    quote = connection.ops.quote_name
    sets = ", ".join(f"{quote(f.column)} = v.{quote(f.column)}" for f in fields if not f.primary_key)
    values = [{field.column: row[field.name] for field in fields} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(model._meta.db_table)} t SET {sets} "  # noqa: S608 - names come from models
            f"FROM {_recordset(fields)} WHERE t.id = v.id",
            [_as_json(values)],
        )


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert new instances of one model in one statement; each gets its primary key."""
    if not rows:
        return
    meta = type(rows[0])._meta
    fields: Sequence[Any] = meta.concrete_fields
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [meta.db_table, len(rows)],
        )
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = key
        values = [{field.column: getattr(row, field.attname) for field in fields} for row in rows]
        cursor.execute(
            f"INSERT INTO {quote(meta.db_table)} ({columns}) "  # noqa: S608 - names come from models
            f"SELECT {columns} FROM {_recordset(fields)}",
            [_as_json(values)],
        )


def _recordset(fields: Sequence[Any]) -> str:
    columns = ", ".join(f"{connection.ops.quote_name(f.column)} {_column_type(f)}" for f in fields)
    return f"json_to_recordset(%s::json) AS v({columns})"


def _as_json(values: Sequence[Mapping[str, Any]]) -> str:
    # Decimals, times and ids as text, which PostgreSQL reads exactly.
    return json.dumps(values, default=str)


def _column_type(field: Any) -> str:
    kind: str = field.rel_db_type(connection) if field.is_relation else field.cast_db_type(connection)
    return kind
