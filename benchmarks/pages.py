"""How long the server takes for each page among 100,000 strategies and 1,000,000 trades, and what it asks."""

from __future__ import annotations

import time
from decimal import Decimal
from statistics import median

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from benchmarks import history, marketplace
from benchmarks.extent import Extent
from benchmarks.history import History
from benchmarks.orders import PRICE, SYMBOL
from benchmarks.report import Figures
from benchmarks.stage import Stage
from copytrade.pages.marketplace import PER_PAGE
from execution.models import CopyOrder
from ledger.models import Mark, Position
from local.report import Refusal, say
from rest.pagination import CappedPaginator
from strategies import search
from strategies.models import Signal, Strategy
from subscriptions.models import Subscription

TRADES = 1_000_000


def run(stage: Stage, extent: Extent) -> Figures:
    """One follower has 100 copies of one master and all the trades; a stranger looks at the marketplace."""
    strategies, trades = marketplace.STRATEGIES, TRADES
    if extent.followers:
        strategies, trades = extent.followers * 10, extent.followers * 100
    stage.platform.manage("collectstatic", "--no-input")
    marketplace.seed(strategies)
    books = history.begin()
    books.grow(trades, most=trades)
    _hold(books)
    follower, master = User.objects.get(pk=books.reader_id), books.strategy.owner
    return {
        **_times("visitor", None, _of_visitor(books), extent),
        **_times("follower", follower, _of_follower(books), extent),
        **_times("master", master, _of_master(books), extent),
    }


def _hold(books: History) -> None:
    """What was bought is there, and has a price."""
    copies = Subscription.objects.filter(strategy=books.strategy)
    held = Decimal("0.001") * books.trades / copies.count()
    cost = held * 100_500
    Position.objects.bulk_create(
        Position(strategy=books.strategy, subscription=copy, symbol=SYMBOL, target=held, held=held, cost=cost)
        for copy in copies
    )
    Mark.objects.update_or_create(
        exchange="paper", symbol=SYMBOL, defaults={"price": Decimal(PRICE), "at": timezone.now()}
    )


def _of_visitor(books: History) -> dict[str, str]:
    strategy = f"/strategies/{books.strategy.slug}/"
    return {
        "front": "/",
        "marketplace": "/strategies/",
        "marketplace_table": "/strategies/?view=table&ordering=-roi",
        "marketplace_search": "/strategies/?search=momentum+grid",
        "marketplace_deep": f"/strategies/?page={_last_page()}",
        "strategy": strategy,
        "strategy_signals": f"{strategy}signals/",
    }


def _last_page() -> int:
    """That can be turned to."""
    listed = search.listed_with(Strategy.Status.PUBLISHED).order_by("pk")
    return CappedPaginator(listed, PER_PAGE).num_pages


def _of_follower(books: History) -> dict[str, str]:
    copy = Subscription.objects.get(pk=books.first_subscription)
    order = CopyOrder.objects.filter(subscription=copy).latest("pk")
    signal = Signal.objects.filter(strategy=books.strategy).latest("pk")
    return {
        "dashboard": "/dashboard/",
        "dashboard_feed": "/dashboard/feed/",
        "dashboard_figures": "/dashboard/figures/",
        "copy": f"/subscriptions/{copy.public_id}/",
        "copy_statement": f"/subscriptions/{copy.public_id}/statement/",
        "orders": "/orders/",
        "orders_unfilled": "/orders/?status=unfilled",
        "order": f"/orders/{order.public_id}/",
        "signal": f"/signals/{signal.public_id}/",
        "positions": "/positions/",
        "trades": "/trades/",
        "risk": "/risk/",
        "bills": "/bills/",
        "notifications": "/notifications/",
        "accounts": "/wallets/accounts/",
        "follow": f"/strategies/{books.strategy.slug}/follow/",
    }


def _of_master(books: History) -> dict[str, str]:
    own = f"/studio/strategies/{books.strategy.slug}/"
    return {
        "studio": "/studio/",
        "studio_strategy": own,
        "studio_signal": f"{own}signal/",
        "studio_invites": f"{own}invites/",
        "bills": "/bills/?role=master",
    }


def _times(who: str, person: User | None, pages: dict[str, str], extent: Extent) -> dict[str, float]:
    """The first looks warm templates and caches, and are not counted."""
    client = Client(headers={"host": "localhost"})
    if person:
        client.force_login(person)
    figures = {}
    for name, address in pages.items():
        _look(client, address)
        with CaptureQueriesContext(connection) as asked:
            _look(client, address)
        seconds = [float(query["time"]) for query in asked]
        took = median(_look(client, address) for _ in range(extent.repetitions(9)))
        figures[f"page_{who}_{name}_ms"] = took * 1000
        in_database = sum(seconds) * 1000
        say(f"  {who:9} {name:20} {took * 1000:8.1f} ms   {len(seconds):3} queries, {in_database:.0f} ms")
    return figures


def _look(client: Client, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    took = time.perf_counter() - began
    if answer.status_code != 200:
        raise Refusal(
            f"{address} was answered with {answer.status_code} {answer.headers.get('Location', '')}"
        )
    return took
