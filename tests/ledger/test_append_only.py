"""Booked rows stay as they are, whoever connects."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from tests.ledger.fills import book, fill


@pytest.mark.parametrize("table", ["ledger_fill", "ledger_trade", "ledger_posting"])
def test_the_database_refuses_to_change_or_remove_what_is_booked(table, subscription):
    book(subscription, [fill("buy", "0.01", "50000", "0.5")])
    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):  # noqa: S608 - names of ours
        with (
            pytest.raises(DatabaseError, match=f"{table} is append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_every_table_of_the_books_and_the_record_has_its_trigger(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'"
        )
        guarded = {table for (table,) in cursor.fetchall()}
    assert guarded >= {
        *("compliance_auditrecord", "compliance_auditlink", "compliance_auditcheckpoint"),
        *("ledger_fill", "ledger_trade", "ledger_posting", "ledger_transfer", "ledger_adjustment"),
        *("ledger_pricepoint", "ledger_billcorrection", "subscriptions_history", "accounts_kycstep"),
    }
