"""Is it healthy? For administrators with a second factor."""

import asyncio
import re
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from redis import RedisError

from accounts.roles import Role
from copytrade import alive, history, standing
from exchanges import limits
from exchanges.metrics import REQUESTS
from execution.metrics import LATENCY, count_statuses
from tests.conftest import STAFF_PATHS
from tests.pages.market import text_of
from tests.pages.test_staff import person

PAGE, FIGURES = "/operations/", "/operations/figures/"


@pytest.fixture
def admin(db):
    client = Client()
    client.force_login(person(Role.ADMIN))
    return client


def test_the_page_tells_queues_workers_and_orders(admin):
    alive.say("trading here:1", at=time.time())
    alive.say("trading gone:2", at=time.time() - 60)
    shown = text_of(admin.get(PAGE))
    for word in ("Orders of unknown fate", "exits", "recovery", "trading here:1", "No master is watched"):
        assert word in shown
    assert "trading gone:2" not in shown
    assert alive.workers(timezone.now() + timedelta(minutes=1)) == []


def test_a_poll_that_brings_nothing_new_is_answered_by_204(admin):
    page = admin.get(PAGE).content.decode()
    (address,) = re.findall(r'hx-get="(/operations/figures/\?after=\w+)" hx-trigger="every 5s"', page)
    assert admin.get(address).status_code == 204
    assert admin.get(FIGURES).status_code == 200


def test_charts_that_the_broker_keeps_are_missed_in_words(admin, monkeypatch):
    def away(*_asked: object, **_named: object) -> None:
        raise RedisError

    monkeypatch.setattr("copytrade.pages.operations.charts", away)
    shown = text_of(admin.get(PAGE))
    assert "there are no charts until it is back" in shown
    assert "A sample is taken each minute" not in shown


@pytest.fixture
def samples(monkeypatch, db):
    """`samples(ago)`: what the platform was, so many minutes ago; in a list of this test's own."""
    monkeypatch.setattr(history, "KEY", f"test:{time.monotonic_ns()}")
    yield lambda ago: history.take(now=timezone.now() - timedelta(minutes=ago))
    standing.broker().delete(history.KEY)


def chart(page: str, name: str) -> tuple[str, str]:
    """What its figure says last and at most."""
    figure = rf"<span>{name}</span> <b>(.+?)</b> <span class=\"meta\">at most (.+?)</span>"
    ((last, most),) = re.findall(figure, page)
    return last, most


def test_the_charts_tell_what_happened_between_two_samples(admin, samples):
    count_statuses({("expired", "paper"): 5})
    samples(50)
    count_statuses({("expired", "paper"): 7})
    for _ in range(200):
        LATENCY.labels("fill").observe(0.3)
    admin.get("/healthz")
    samples(40)
    count_statuses({("expired", "paper"): 2})
    samples(30)
    page = admin.get(PAGE).content.decode()
    assert chart(page, "expired") == ("2", "7")
    assert chart(page, "fill") == ("—", "497.5")
    for name in ("answers a minute", "99 % within ms", "exits", "unknown orders", "unsealed records"):
        chart(page, name)
    # In a coarser range the same may be one stretch.
    assert chart(admin.get(f"{PAGE}?range=7d").content.decode(), "expired")[1] in ("9", "7")
    assert "there are not two yet" not in admin.get(f"{PAGE}?range=unheard-of").content.decode()


@pytest.fixture
def held_back():
    """An exchange that asked for a minute's pause."""
    asyncio.run(limits.gate_of("kraken").failed(429, {"Retry-After": "60"}, ""))
    yield
    limits.lift("kraken")


def test_the_charts_tell_how_long_an_exchange_takes_and_that_it_holds_us_back(admin, samples, held_back):
    samples(50)
    for _ in range(200):
        REQUESTS.labels("kraken", "order").observe(0.3)
    samples(40)
    limits.lift("kraken")
    samples(30)
    page = admin.get(PAGE).content.decode()
    assert chart(page, "kraken, 99 % within ms") == ("—", "497.5")
    assert chart(page, "kraken, held back")[1] == "1"


def test_a_scrape_tells_which_exchange_holds_us_back(admin, held_back):
    assert 'copytrade_exchange_held_back{exchange="kraken"} 1.0' in admin.get("/metrics").content.decode()
    limits.lift("kraken")
    assert 'exchange_held_back{exchange="kraken"} 1.0' not in admin.get("/metrics").content.decode()


def test_a_count_that_began_anew_is_not_counted_backwards():
    now = timezone.now()
    before = history.Sample(now, {"orders": {"filled": 100.0}}, 1)
    after = history.Sample(now + timedelta(minutes=1), {"orders": {"filled": 3.0}}, 1)
    assert history.Step(after.at, before, after).counted("orders") == {"filled": 3.0}


def test_before_two_samples_the_page_says_so(admin, samples):
    samples(1)
    assert "there are not two yet" in text_of(admin.get(PAGE))


@pytest.mark.parametrize("role", [Role.TRADER, Role.COMPLIANCE, Role.AUDITOR])
def test_others_are_refused(role, client, db):
    client.force_login(person(role))
    assert [client.get(address).status_code for address in (PAGE, FIGURES)] == [403, 403]


def test_strangers_are_led_to_the_log_in(client, db):
    assert [client.get(address).status_code for address in (PAGE, FIGURES)] == [302, 302]


def test_no_second_factor_no_operations(admin, monkeypatch):
    monkeypatch.setattr("accounts.second_factor.STAFF_PATHS", STAFF_PATHS)
    answer = admin.get(PAGE)
    assert (answer.status_code, answer.url) == (302, "/accounts/2fa/")


def test_without_a_broker_the_page_still_tells_the_rest(admin, settings):
    standing.broker.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    try:
        assert "The broker does not answer" in text_of(admin.get(PAGE))
    finally:
        standing.broker.cache_clear()


def test_the_number_of_queries_does_not_grow_with_the_venues(admin, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        admin.get(FIGURES)
