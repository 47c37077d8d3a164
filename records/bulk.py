"""Set-wise reads and writes of many rows, each with values of its own, without a model instance for each.

An instance of a model costs more than all PostgreSQL does for its row. Columns travel as arrays.
"""

# ruff: noqa: S608 - names come from models

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, models
from psycopg.types.json import set_json_loads

Row = tuple[Any, ...]
Instance = TypeVar("Instance", bound=models.Model)

# The driver's own reader of jsonb is slower; Django has its own for its models.
set_json_loads(orjson.loads)

_QUOTED = (models.CharField, models.TextField, models.JSONField)


def select(sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """The rows of a query, in the current transaction; a list among the parameters is sent as an array."""
    # The driver looks at each element of a list by itself.
    sent = [_array(one, _encoder_of(one)) if isinstance(one, list) else one for one in parameters]
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(_driver()) as cursor:
        # The binary form is read several times faster.
        cursor.execute(sql, sent, binary=True)
        return cursor.fetchall()


def one_row(model: type[Instance], pk: int) -> Instance:
    """What `objects.get(pk=pk)` gives of a row that is there; that takes Django ten times as long."""
    names, query = _one_row_of(model)
    [row] = select(query, (pk,))
    return model.from_db(DEFAULT_DB_ALIAS, names, row)


@cache
def _one_row_of(model: type[models.Model]) -> tuple[list[str], str]:
    fields = model._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    query = f'SELECT {columns} FROM "{model._meta.db_table}" WHERE id = %s'  # nosec B608 # names of the model
    return [field.attname for field in fields], query


def copy_out(sql: str, parameters: Sequence[Any], *, options: str, at_once: int) -> Iterator[list[bytes]]:
    """The rows of a query as PostgreSQL writes them to a file, in lists of at most so many; none is kept."""
    connection.ensure_connection()
    statement = f"COPY ({sql}) TO STDOUT ({options})"
    with (
        connection.wrap_database_errors,
        psycopg.ClientCursor(_driver()) as cursor,
        cursor.copy(statement, parameters) as rows,
    ):
        while block := [bytes(row) for row in islice(rows, at_once)]:
            yield block


def insert_rows(model: type[models.Model], names: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows whose values are in the order of the fields' `names` (a relation's by its column)."""
    if not rows:
        return
    fields = _fields(model, tuple(names))
    columns = ", ".join(f'"{field.column}"' for field in fields)
    into = f'"{model._meta.db_table}" ({columns})'
    sql = f"INSERT INTO {into} SELECT {columns} FROM {_source(fields)}"  # nosec B608 # columns of the model
    _execute(sql, fields, rows)


def update_rows(model: type[models.Model], names: Sequence[str], rows: Sequence[Row]) -> None:
    """Set the fields `names` of many rows in one statement; the first of them is `id`."""
    if not rows:
        return
    fields = _fields(model, tuple(names))
    sets = ", ".join(f'"{field.column}" = v."{field.column}"' for field in fields[1:])
    table = f'"{model._meta.db_table}"'
    sql = f"UPDATE {table} t SET {sets} FROM {_source(fields)} WHERE t.id = v.id"  # nosec B608 # as above
    _execute(sql, fields, rows)


def next_ids(count: int, *of: type[models.Model]) -> list[tuple[int, ...]]:
    """Keys for rows that are to be inserted: `count` times one for each model."""
    # The name that PostgreSQL gives a serial column's or an identity's sequence.
    keys = ", ".join(f"nextval('\"{model._meta.db_table}_id_seq\"')" for model in of)
    sql = f"SELECT {keys} FROM generate_series(1, %s)"  # nosec B608 # names of models' own sequences
    return select(sql, (count,))


def _execute(sql: str, fields: Sequence[Any], rows: Sequence[Row]) -> None:
    columns = zip(*rows, strict=True)
    arrays = [_array(column, _encoder(field)) for field, column in zip(fields, columns, strict=True)]
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(_driver()) as cursor:
        cursor.execute(sql, arrays)


def _driver() -> Any:
    # Django's own cursor puts values into the statement's text.
    connection.validate_no_broken_transaction()
    return connection.connection


@cache
def _fields(model: type[models.Model], names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(model._meta.get_field(name) for name in names)


def _source(fields: Sequence[Any]) -> str:
    names = ", ".join(f'"{field.column}"' for field in fields)
    return f"unnest({', '.join(f'%s::{_column_type(field)}[]' for field in fields)}) AS v({names})"


@cache
def _column_type(field: Any) -> str:
    kind: str = field.rel_db_type(connection) if field.is_relation else field.cast_db_type(connection)
    return kind


def _encoder(field: Any) -> Callable[[Any], str]:
    return _quote if isinstance(field, _QUOTED) else str


def _encoder_of(values: list[Any]) -> Callable[[Any], str]:
    known = next((value for value in values if value is not None), None)
    return _quote if isinstance(known, str) else str


def _array(values: Sequence[Any], text_of: Callable[[Any], str]) -> str:
    """In PostgreSQL's notation; `text_of` is for values that are not None."""
    if not values:
        return "{}"
    first = values[0]
    # What equals it is the same to the database, and most columns hold one value throughout.
    if values.count(first) == len(values):
        texts = ["NULL" if first is None else text_of(first)] * len(values)
    elif text_of is _quote and None not in values and _needs_no_escapes(values):
        return '{"' + '","'.join(values) + '"}'
    else:
        texts = ["NULL" if value is None else text_of(value) for value in values]
    return "{" + ",".join(texts) + "}"


def _needs_no_escapes(texts: Sequence[str]) -> bool:
    whole = "".join(texts)
    return '"' not in whole and "\\" not in whole


def _quote(text: str) -> str:
    """A text, JSON for one; numbers, times, ids and truth values need no quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
