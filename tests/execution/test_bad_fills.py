"""What no order of ours asked for, what is told too late, a coin that is gone: the books stay whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from exchanges.types import MarketRules
from execution import claiming, explain, fan_out, rules
from execution.models import CopyOrder
from execution.states import Status
from ledger.checking import check_books
from ledger.models import Fill, Mark, Trade
from tests.execution.test_drift import sell_by_hand
from tests.execution.test_reconcile_command import reconcile
from tests.execution.world import World, come_due, execute

pytestmark = pytest.mark.django_db


def test_a_masters_fill_of_before_a_copy_began_is_the_masters_alone(world: World) -> None:
    signal = world.master_trades("buy", "0.01", at=timezone.now() - timedelta(hours=1))
    execute(world.fan_out(signal))
    orders = world.orders(signal)
    assert {(order.status, order.reason_code) for order in orders} == {(Status.SKIPPED, "signal_too_old")}
    assert not Trade.objects.exclude(subscription=None).exists()
    assert Trade.objects.get().strategy == world.strategy
    assert not list(check_books())


def test_a_followers_fill_of_no_order_of_ours_is_in_no_book(world: World) -> None:
    world.copy("buy", "0.01")
    before = Fill.objects.count()
    sell_by_hand(world.subscriptions[0].exchange_account, "0.0005")
    reconcile()
    assert Fill.objects.count() == before
    assert not list(check_books())


def test_of_a_coin_that_an_exchange_lists_no_more_the_position_stays_and_its_exit_waits_and_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.copy("buy", "0.01")
    known = rules.rules_of

    def delisted(exchanges: Iterable[str]) -> dict[str, Mapping[str, MarketRules] | None]:
        return {
            name: {symbol: one for symbol, one in (told or {}).items() if symbol != "BTC/USDT"}
            for name, told in known(exchanges).items()
        }

    for step in (claiming, fan_out):
        monkeypatch.setattr(step, "rules_of", delisted)
    Mark.objects.filter(symbol="BTC/USDT").delete()
    exits = world.copy("sell", "0.01")
    entries = world.copy("buy", "0.01")

    assert {(order.status, order.reason_code) for order in exits} == {(Status.PENDING, "symbol_not_listed")}
    assert "does not trade this symbol" in explain.reason_sentence(exits[0])
    assert {order.status for order in entries} == {Status.SKIPPED}
    copy = world.subscriptions[0]
    client = APIClient()
    client.force_authenticate(copy.follower)
    (told,) = client.get("/api/v1/positions/").json()["results"]
    assert told["symbol"] == "BTC/USDT"
    assert told["amount"] != "0"
    assert told["unrealised_pnl"] is None
    assert not list(check_books())

    # Listed again, the exit sells.
    monkeypatch.undo()
    come_due()
    execute([order.pk for order in exits])
    assert CopyOrder.objects.get(pk=exits[0].pk).status == Status.FILLED
