"""What is counted is what the database holds."""

from collections import Counter as Tally
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY

from exchanges.durations import BUCKETS
from exchanges.metrics import observe_all
from execution.metrics import LATENCY, STAGES
from execution.models import CopyOrder, MasterFeed
from risk.models import RiskLimits
from subscriptions.models import Subscription
from tests.execution.world import World

pytestmark = pytest.mark.django_db


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def ended() -> Tally[str]:
    return Tally(
        {
            status: int(counted("copytrade_orders_total", status=status, exchange="paper"))
            for status in ("filled", "skipped", "denied", "canceled", "rejected", "expired")
        }
    )


def test_orders_are_counted_once_and_as_the_database_has_them(world: World) -> None:
    before, signals = ended(), counted("copytrade_signals_total", source="watched")
    blocked = counted("copytrade_risk_blocks_total", rule="max_order_notional")
    total = counted("copytrade_replication_latency_seconds_count", stage="total")
    paused, limited, _free = world.subscriptions
    Subscription.objects.filter(pk=paused.pk).update(status=Subscription.Status.PAUSED)
    RiskLimits.objects.create(user=limited.follower, max_order_notional=1)

    world.copy("buy", "0.01")
    world.copy("sell", "0.01")

    in_database = Tally(CopyOrder.objects.values_list("status", flat=True))
    assert ended() - before == in_database
    assert in_database["filled"] and in_database["denied"] and in_database["skipped"]
    assert counted("copytrade_signals_total", source="watched") - signals == 2
    assert counted("copytrade_risk_blocks_total", rule="max_order_notional") - blocked == 1
    stages = {stage: counted("copytrade_replication_latency_seconds_count", stage=stage) for stage in STAGES}
    assert stages["total"] - total == in_database["filled"]
    assert counted("copytrade_exchange_request_seconds_count", exchange="paper", method="order") > 0


def test_entries_that_an_exit_overtakes_are_counted(world: World) -> None:
    before = ended()
    world.fan_out(world.master_trades("buy", "0.01"))
    world.copy("sell", "0.01")
    assert (ended() - before)["skipped"] == CopyOrder.objects.filter(status="skipped").count() > 0


def test_many_durations_told_at_once_are_told_as_one_by_one() -> None:
    values = [0.0005, 0.001, 0.0011, 7.0, 60.0, 61.0, -1.0]
    together, alone = LATENCY.labels("test-together"), LATENCY.labels("test-alone")
    observe_all(together, values)
    for value in values:
        alone.observe(max(0.0, value))
    for bound in (*map(str, BUCKETS), "+Inf"):
        name = "copytrade_replication_latency_seconds_bucket"
        assert counted(name, stage="test-together", le=bound) == counted(name, stage="test-alone", le=bound)
    LATENCY.remove("test-together")
    LATENCY.remove("test-alone")


def test_the_silent_master_and_the_unknown_order_are_seen_at_each_scrape(
    world: World, client: Client
) -> None:
    world.copy("buy", "0.01")
    heard = timezone.now() - timedelta(seconds=300)
    MasterFeed.objects.of_account(world.strategy.exchange_account_id)
    MasterFeed.objects.update(alive_at=heard)
    CopyOrder.objects.filter(pk=CopyOrder.objects.latest("pk").pk).update(status="unknown")
    page = client.get("/metrics").content.decode()
    (age,) = [line for line in page.splitlines() if line.startswith("copytrade_master_feed_age_seconds{")]
    assert 300 <= float(age.rpartition(" ")[2]) < 330
    assert "\ncopytrade_orders_unknown 1.0\n" in page
    for queue in ("exits", "signals", "orders", "recovery", "default"):
        assert f'copytrade_queue_depth{{queue="{queue}"}}' in page
