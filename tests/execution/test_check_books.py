"""The books are recounted from their fills; a change that nobody may make is found."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from copytrade import self_checks
from ledger.checking import check_books
from tests.execution.world import World

pytestmark = pytest.mark.django_db


def behind_the_triggers(statement: str) -> None:
    """As somebody who owns the database may do."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def test_books_after_trades_of_every_kind_are_what_their_fills_come_to(world: World) -> None:
    world.copy("buy", "0.01")
    world.copy("buy", "0.3", "500", symbol="BNB/USDT")
    world.copy("sell", "0.004")
    out = StringIO()
    call_command("check_books", stdout=out)
    assert "come to" in out.getvalue()
    assert self_checks.check_own_books() == 0


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE ledger_fill SET price = price + 1 WHERE id = (SELECT max(id) FROM ledger_fill)", "hash"),
        ("UPDATE ledger_trade SET cost = cost + 1 WHERE subscription_id IS NOT NULL", "cost"),
        ("UPDATE ledger_posting SET amount = amount * 2", "posted"),
        ("DELETE FROM ledger_posting", "posted"),
        ("UPDATE ledger_position SET held = held + 1 WHERE subscription_id IS NOT NULL", "held"),
        ("UPDATE subscriptions_subscription SET cash = cash + 1", "cash"),
        ("DELETE FROM ledger_posting; DELETE FROM ledger_trade", "not as many"),
    ],
)
def test_what_was_edited_in_the_database_is_found(world: World, statement: str, found: str) -> None:
    world.copy("buy", "0.01")
    behind_the_triggers(statement)
    assert found in next(check_books()).sentence
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("check_books", stdout=out)
    assert stopped.value.code == 1
    assert len(out.getvalue().splitlines()) == 1
