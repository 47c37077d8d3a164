"""What a browser fetches for a first look at a page, as production serves it: compressed, hashed, kept."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from tests.factories import StrategyFactory, SubscriptionFactory
from tests.pages.market import hold, quote_price, record_equity, signal_with_copies

MOST_BYTES = 300 * 1024
A_YEAR = 365 * 24 * 3600
ASSET = re.compile(r'<(?:link|script)[^>]*(?:href|src)="(/static/[^"]+)"[^>]*>')
SCRIPT = re.compile(r"<script[^>]*\bsrc=[^>]*>")
# Of the admin and the API's description, which have pages of their own.
ELSEWHERE = ["admin", "unfold", "drf_spectacular_sidecar", "rest_framework"]


@pytest.fixture
def uncollected(settings, tmp_path):
    settings.DEBUG = settings.WHITENOISE_AUTOREFRESH = False
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "copytrade.static_files.StaticFiles"}}


@pytest.fixture
def as_in_production(settings, uncollected):
    settings.WHITENOISE_USE_FINDERS = False
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=ELSEWHERE)


@pytest.fixture
def pages(user, subscription) -> list[str]:
    """Full ones: a whole page of strategies, a year's curve, a feed and positions."""
    strategy = subscription.strategy
    for n in range(30):
        record_equity(StrategyFactory.create(name=f"Number {n}"), range(100, 220), every=timedelta(days=1))
    record_equity(strategy, range(10_000, 10_400), every=timedelta(hours=22))
    for n in range(20):
        signal_with_copies(
            strategy, [(subscription, "filled"), (SubscriptionFactory.create(strategy=strategy), "skipped")]
        )
        hold(subscription, "0.01", "600", symbol=f"C{n}/USDT")
    quote_price(64_000)
    return ["/strategies/", "/dashboard/", f"/strategies/{strategy.slug}/"]


@pytest.mark.usefixtures("as_in_production")
def test_a_first_load_is_under_300_kilobytes_and_kept_for_years(user, pages):
    client = Client()
    client.force_login(user)
    sizes = {}
    for address in pages:
        html = client.get(address).content
        sizes[address] = len(html)
        for asset in dict.fromkeys(ASSET.findall(html.decode())):
            answer = client.get(asset, headers={"Accept-Encoding": "gzip"})
            assert answer.status_code == 200, asset
            assert re.search(r"\.[0-9a-f]{12}\.\w+$", asset), asset
            assert "immutable" in answer.headers["Cache-Control"], asset
            assert int(re.findall(r"max-age=(\d+)", answer.headers["Cache-Control"])[0]) >= A_YEAR
            sizes[address] += len(answer.getvalue())
    assert {address: size for address, size in sizes.items() if size > MOST_BYTES} == {}
    assert min(sizes.values()) > 80_000, "the style sheets alone are as much"


@pytest.mark.usefixtures("db", "uncollected")
@pytest.mark.parametrize("address", ["/accounts/login/", "/api/docs/"])
def test_a_page_opens_with_its_style_before_anybody_has_collected_static_files(address):
    client = Client()
    answer = client.get(address)
    assert answer.status_code == 200
    assets = ASSET.findall(answer.content.decode())
    assert {client.get(asset).status_code for asset in assets} == {200}


def test_nothing_but_style_sheets_holds_a_page_up(page, pages):
    for address in pages:
        for script in SCRIPT.findall(page.get(address).content.decode()):
            assert " defer" in script, f"{address}: {script}"
