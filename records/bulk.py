"""Set-wise writes: one statement for many rows, each with values of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models


def update_rows(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    unless_changed: Sequence[str] = (),
) -> set[int]:
    """Update many rows of `model` in one statement and return the ids that were updated.

    Each row maps `id` and the columns to set; all rows have the same keys. The columns named in
    `unless_changed` are not set but compared: a row where one differs is left alone.
    """
    if not rows:
        return set()
    columns = [name for name in rows[0] if name != "id"]
    # Their type tells only that they may be relations the other way, which have no column.
    fields: dict[str, Any] = {name: model._meta.get_field(name) for name in ["id", *columns]}
    arrays = [
        [field.get_db_prep_save(row[name], connection) for row in rows] for name, field in fields.items()
    ]
    types = [_column_type(field) for field in fields.values()]
    quoted = {name: connection.ops.quote_name(field.column) for name, field in fields.items()}
    table = connection.ops.quote_name(model._meta.db_table)
    sets = ", ".join(f"{quoted[n]} = v.{quoted[n]}" for n in columns if n not in unless_changed)
    guards = "".join(f" AND t.{quoted[n]} = v.{quoted[n]}" for n in unless_changed)
    unnest = ", ".join(f"%s::{kind}[]" for kind in types)
    names = ", ".join(quoted.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {sets} FROM unnest({unnest}) AS v({names}) "  # noqa: S608 - names come from models
            f"WHERE t.id = v.id{guards} RETURNING t.id",
            arrays,
        )
        return {row[0] for row in cursor.fetchall()}


def _column_type(field: Any) -> str:
    kind: str = field.rel_db_type(connection) if field.is_relation else field.cast_db_type(connection)
    return kind
