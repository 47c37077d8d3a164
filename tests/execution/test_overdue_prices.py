"""Prices without beat: a worker reads what nobody has read lately, and only one of them does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from execution import guard
from ledger.models import Mark, Position
from tests.execution.world import World


@pytest.fixture
def held(world: World) -> World:
    values = {"target": Decimal("0.005"), "held": Decimal("0.005"), "cost": Decimal(500)}
    Position.objects.create(
        strategy=world.strategy, subscription=world.subscriptions[0], symbol="BTC/USDT", **values
    )
    return world


def marked(seconds_ago: float) -> None:
    Mark.objects.create(
        exchange="paper", symbol="BTC/USDT", price=1, at=timezone.now() - timedelta(seconds=seconds_ago)
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("held")
def test_an_overdue_price_is_read_without_beat() -> None:
    marked(seconds_ago=11)
    now = timezone.now()
    assert guard.read_overdue_marks(now=now) >= 1
    mark = Mark.objects.get(exchange="paper", symbol="BTC/USDT")
    assert (mark.at, mark.price > 1) == (now, True)
    # The paper exchange quotes some basis points around its last price.
    assert abs(mark.middle / mark.price - 1) < Decimal("0.005")


@pytest.mark.django_db
@pytest.mark.usefixtures("held")
def test_a_price_that_beat_has_had_read_is_not_read_again() -> None:
    marked(seconds_ago=5)
    assert guard.read_overdue_marks(now=timezone.now()) == 0
    assert Mark.objects.get(exchange="paper", symbol="BTC/USDT").price == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("held")
def test_a_venue_has_one_reader_and_then_another() -> None:
    def read(_number: int) -> int:
        try:
            return guard.read_overdue_marks(now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with guard._only_reader("paper") as is_only_reader:
            assert is_only_reader
            assert list(pool.map(read, [0])) == [0]
        assert next(pool.map(read, [1])) >= 1
