"""A limit that was reached reaches the program of its owner: signed, once, with the numbers."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.notifications import channel_api, delivering
from execution import breaches
from ledger.models import Mark
from risk.models import RiskLimits
from tests.accounts.test_channels import CHANNELS, genuine
from tests.accounts.test_gate import here, site
from tests.conftest import TokenClient, token_of
from tests.execution.world import World

__all__ = ["site"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def received(world: World, site, monkeypatch):
    """What the first follower's webhook has got since it was made, each message with a right signature."""
    monkeypatch.setattr(channel_api, "way_out", here)
    url = f"http://bot.example.org:{site.port}/hook"
    api = TokenClient(token_of(world.subscriptions[0].follower))
    secret = api.post(CHANNELS, {"kind": "webhook", "label": "Bot", "url": url}).json()["secret"]

    def messages() -> list[dict[str, str]]:
        delivering.deliver_due(now=timezone.now(), way=here())
        assert all(genuine(secret, headers, body) for _path, headers, body in site.got)
        return [json.loads(body) for _path, _headers, body in site.got]

    return messages


def test_orders_above_a_limit_are_told_once_with_what_they_would_have_been(world: World, received) -> None:
    RiskLimits.objects.create(user=world.subscriptions[0].follower, max_order_notional=Decimal(50))
    world.copy("buy", "0.01")
    world.copy("buy", "0.01")
    (told,) = received()
    assert told["kind"] == "copies_refused"
    assert "you allow 50" in told["body"]


def test_a_days_loss_is_told_once_with_what_was_lost_and_that_copying_is_paused(
    world: World, received
) -> None:
    RiskLimits.objects.create(user=world.subscriptions[0].follower, max_daily_loss=Decimal(5))
    world.copy("buy", "0.01")
    Mark.objects.update_or_create(
        exchange="paper", symbol="BTC/USDT", defaults={"price": 94_000, "at": timezone.now()}
    )
    for _ in range(2):
        breaches.watch_losses(now=timezone.now())
    (told,) = received()
    assert told["kind"] == "subscription_paused"
    assert "your limit is 5 USDT" in told["body"]
