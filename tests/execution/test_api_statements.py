"""Statements and the file of lots: from the books, for their owner, with bad ranges refused."""

import csv
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from compliance.audit import SYSTEM
from ledger.adjustments import shrink
from ledger.booking import positions_for, write_positions
from ledger.models import Position, PricePoint, Trade
from ledger.prices import stretch_of
from ledger.reversals import reverse_trade
from subscriptions.models import Subscription
from subscriptions.relations import lock_relations, write_money
from tests import factories
from tests.execution.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_of_follower(world: World) -> APIClient:
    client = APIClient()
    client.force_authenticate(world.subscriptions[0].follower)
    return client


def url(world: World) -> str:
    return f"/api/v1/subscriptions/{world.subscriptions[0].public_id}/statement"


def rows_of(response: object) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(text.splitlines()))


def moment(seconds: float = 0) -> str:
    return (timezone.now() + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def test_an_opening_is_the_last_closing_and_both_are_what_the_trades_come_to(
    world: World, client_of_follower: APIClient
) -> None:
    world.copy("buy", "0.01")
    # The exchange's clock may be a little ahead.
    middle = (Trade.objects.latest("at").at + timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")
    PricePoint.objects.create(
        exchange="paper",
        symbol="BTC/USDT",
        at=stretch_of(timezone.now()),
        price=Decimal(100_000),
        read_at=timezone.now() - timedelta(seconds=30),
    )
    world.copy("sell", "0.01")
    end = moment(60)
    first = client_of_follower.get(url(world), {"to": middle}).json()
    second = client_of_follower.get(url(world), {"from": middle, "to": end}).json()

    assert first["closing"] == second["opening"]
    assert [trade["side"] for trade in first["trades"]] == ["buy"]
    assert [trade["side"] for trade in second["trades"]] == ["sell"]
    (held,) = first["closing"]["positions"]
    assert Decimal(held["value"]) == Decimal(held["amount"]) * 100_000
    subscription = type(world.subscriptions[0]).objects.get(pk=world.subscriptions[0].pk)
    assert Decimal(second["closing"]["cash"]) == subscription.cash
    assert first["opening"]["cash"] == "1000"
    assert (first["opening"]["rate"], first["opening"]["rate_source"]) == ("1", "same currency")


def test_a_trade_taken_back_and_coins_that_left_stand_in_the_statement_as_in_the_books(
    world: World, client_of_follower: APIClient
) -> None:
    world.copy("buy", "0.01")
    world.copy("buy", "0.004", "110000")
    subscription = Subscription.objects.get(pk=world.subscriptions[0].pk)
    first = Trade.objects.filter(subscription=subscription).earliest("pk")
    reverse_trade(trade_id=first.public_id, reason="told twice", origin=SYSTEM, now=timezone.now())
    position = Position.objects.get(subscription=subscription)
    with transaction.atomic():
        relations = lock_relations([subscription.pk])
        key = (position.strategy_id, subscription.pk, position.symbol)
        sub_positions = list(positions_for([key]).values())
        shrink(
            account_id=subscription.exchange_account_id,
            missing=position.held / 2,
            cause="own_trading",
            positions=sub_positions,
            relations=relations,
            now=timezone.now(),
        )
        write_positions(sub_positions, now=timezone.now())
        write_money(relations.values())

    closing = client_of_follower.get(url(world), {"to": moment(60)}).json()["closing"]
    subscription.refresh_from_db()
    position.refresh_from_db()
    (held,) = closing["positions"]
    assert Decimal(closing["cash"]) == subscription.cash
    assert (Decimal(held["amount"]), Decimal(held["cost"])) == (position.held, position.cost)


def test_each_change_of_the_allocation_stands_in_the_statement_with_who_and_when(
    world: World, client_of_follower: APIClient
) -> None:
    subscription, before = world.subscriptions[0], moment()
    for allocation in ("600", "900"):
        answer = client_of_follower.patch(f"{url(world)[:-9]}", {"allocation": allocation}, format="json")
        assert answer.status_code == 200, answer.content
    told = client_of_follower.get(url(world), {"to": moment(60)}).json()
    assert [(row["by"], row["allocation_before"], row["allocation"]) for row in told["allocations"]] == [
        ("follower", "1000", "600"),
        ("follower", "600", "900"),
    ]
    assert (told["opening"]["cash"], told["closing"]["cash"]) == ("1000", "900")
    since = client_of_follower.get(url(world), {"to": before}).json()
    assert (since["allocations"], since["closing"]["cash"]) == ([], "1000")
    rows = rows_of(client_of_follower.get(url(world), {"format": "csv", "to": moment(60)}))
    changes = [(row["amount"], row["value"], row["by"]) for row in rows if row["row"] == "allocation"]
    assert changes == [("-400", "600", "follower"), ("300", "900", "follower")]
    history = client_of_follower.get(f"{url(world)[:-9]}history/").json()["results"]
    assert [row["act"] for row in history] == ["allocated", "allocated"]
    assert Subscription.objects.get(pk=subscription.pk).cash == 900


def test_a_closing_that_is_yet_to_come_stands_as_it_does_now(
    world: World, client_of_follower: APIClient
) -> None:
    world.copy("buy", "0.01")
    now = timezone.now()
    PricePoint.objects.create(
        exchange="paper", symbol="BTC/USDT", at=stretch_of(now), price=Decimal(100_000), read_at=now
    )
    closing = client_of_follower.get(url(world), {"to": moment(86_400)}).json()["closing"]
    assert closing["at"] <= moment()
    (held,) = closing["positions"]
    assert Decimal(closing["equity"]) == Decimal(closing["cash"]) + Decimal(held["amount"]) * 100_000


def test_without_a_price_of_that_time_a_worth_is_unknown_and_never_0(
    world: World, client_of_follower: APIClient
) -> None:
    world.copy("buy", "0.01")
    closing = client_of_follower.get(url(world), {"to": moment(60)}).json()["closing"]
    assert (closing["equity"], closing["equity_in_report_currency"]) == (None, None)


def test_a_statement_comes_as_rows_too(world: World, client_of_follower: APIClient) -> None:
    world.copy("buy", "0.01")
    rows = rows_of(client_of_follower.get(url(world), {"format": "csv", "to": moment(60)}))
    assert [row["row"] for row in rows] == [
        "opening_cash",
        "opening_equity",
        "trade",
        "fees",
        "performance_fee",
        "closing_cash",
        "closing_position",
        "closing_equity",
    ]


def test_lots_are_told_of_each_sale(world: World, client_of_follower: APIClient) -> None:
    world.copy("buy", "0.01")
    world.copy("sell", "0.01")
    rows = rows_of(client_of_follower.get("/api/v1/trades/cost-basis"))
    sold = Trade.objects.get(side="sell", subscription=world.subscriptions[0])
    assert sum(Decimal(row["quantity"]) for row in rows) == sold.quantity
    assert {row["method"] for row in rows} == {"FIFO"}


def test_lots_are_told_in_ones_own_currency_at_the_rates_of_purchase_and_of_sale(
    world: World, client_of_follower: APIClient
) -> None:
    follower = world.subscriptions[0].follower
    type(follower).objects.filter(pk=follower.pk).update(report_currency="EUR")
    follower.refresh_from_db()
    world.copy("buy", "0.01")
    world.copy("sell", "0.01")
    sale = Trade.objects.get(side="sell", subscription=world.subscriptions[0])
    purchase = Trade.objects.get(side="buy", subscription=world.subscriptions[0])
    euro_at(purchase.at - timedelta(seconds=1), "1.25")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE ledger_trade SET at = at + interval '1 hour' WHERE id = %s", [sale.pk])
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    (unknown,) = rows_of(client_of_follower.get("/api/v1/trades/cost-basis"))[:1]
    assert (unknown["cost_rate"], unknown["cost_rate_source"]) == ("0.8", "paper: EUR/USDT")
    assert (unknown["proceeds_rate"], unknown["gain_in_report_currency"]) == ("", "")

    euro_at(sale.at + timedelta(minutes=59), "1.6")
    row = rows_of(client_of_follower.get("/api/v1/trades/cost-basis"))[0]
    assert (row["proceeds_rate"], row["proceeds_rate_source"]) == ("0.625", "paper: EUR/USDT")
    paid, brought = Decimal(row["cost_basis"]) * Decimal("0.8"), Decimal(row["proceeds"]) * Decimal("0.625")
    last = Decimal(2).scaleb(-18)
    assert abs(Decimal(row["cost_basis_in_report_currency"]) - paid) <= last
    assert abs(Decimal(row["proceeds_in_report_currency"]) - brought) <= last
    assert abs(Decimal(row["gain_in_report_currency"]) - (brought - paid)) <= last
    assert row["report_currency"] == "EUR"


def euro_at(at: datetime, price: str) -> None:
    PricePoint.objects.create(
        exchange="paper", symbol="EUR/USDT", at=stretch_of(at), price=Decimal(price), read_at=at
    )


@pytest.mark.parametrize("path", ["statement", "trades/export", "trades/", "trades/cost-basis"])
def test_a_range_that_ends_before_it_begins_is_refused(
    world: World, client_of_follower: APIClient, path: str
) -> None:
    address = url(world) if path == "statement" else f"/api/v1/{path}"
    query = {"from": moment(), "to": moment(-1)} | ({"format": "csv"} if path == "trades/export" else {})
    response = client_of_follower.get(address, query)
    (error,) = response.json()["errors"]
    assert (response.status_code, error["code"], error["attr"]) == (400, "inverted_range", "to")


def test_a_strangers_copy_has_no_statement(world: World) -> None:
    client = APIClient()
    client.force_authenticate(factories.UserFactory.create())
    assert client.get(url(world)).status_code == 404
