"""Whoever has the exports can work every figure of a strategy's page out again."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from ledger.models import PricePoint, Transfer
from strategies.models import PerformanceSnapshot, Period, Strategy
from tests import factories
from tests.ledger.by_hand import Account, Prices, exported, listed, moment, of_copies, of_trades
from tests.ledger.test_statistics import trade

NOW = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)
# Of what was copied: how late, and how much worse than the master.
LATE = timedelta(milliseconds=80)
STORY = [
    *(
        (11.5, "buy", "4", "100", "0.4"),
        (11.1, "sell", "1.5", "108", "0.162"),
        (10.2, "sell", "2.5", "97", "0.25"),
    ),
    *((8.7, "buy", "6", "96", "0.6"), (7.9, "sell", "6", "104", "0.6"), (6.3, "buy", "3", "110", "0.33")),
    *((5.2, "sell", "2.9", "103", "0.3"), (3.8, "buy", "5", "99", "0.5"), (2.1, "sell", "1", "107", "0.1")),
]


@pytest.fixture(autouse=True)
def the_clock_stands(monkeypatch):
    """So that a question asked later is about the same period."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def price_at(when: datetime) -> Decimal:
    """A price that wanders, by the hour."""
    hours = int(when.timestamp()) // 3600
    return Decimal(100 + (hours * 37) % 23 - (hours * 11) % 17)


@pytest.fixture
def strategy(db) -> Strategy:
    """Twelve days of fills, kept prices, a deposit, a withdrawal, and a coin that nobody has a price of."""
    begun = NOW - DAY * 12
    strategy = factories.StrategyFactory.create(published_at=begun)
    PerformanceSnapshot.objects.create(strategy=strategy, at=begun, equity=Decimal(1000))
    hour = begun.replace(minute=0)
    PricePoint.objects.bulk_create(
        PricePoint(
            exchange="paper",
            symbol="BTC/USDT",
            at=(at := hour + timedelta(hours=n, minutes=minute)),
            price=price_at(at) + minute,
            read_at=at,
        )
        for n in range(12 * 24 + 1)
        # What is between the hours is kept, and looked at in the first week only.
        for minute in (0, 5)
    )
    for number, (days, kind, asset, amount) in enumerate(
        (
            (9, "deposit", "USDT", "500"),
            (6, "withdrawal", "USDT", "200"),
            (5, "deposit", "BTC", "2"),
            (4, "deposit", "NEW", "7"),
        )
    ):
        Transfer.objects.create(
            exchange_account=strategy.exchange_account,
            kind=kind,
            venue_id=str(number),
            asset=asset,
            amount=Decimal(amount),
            fee=Decimal(1) if kind == "withdrawal" else 0,
            at=NOW - DAY * days,
        )
    for ago, side, quantity, price, fee in STORY:
        trade(strategy, side, quantity, price, at=NOW - DAY * ago, fee=fee)
    return strategy


@pytest.fixture
def followers(strategy):
    """Five who copy a tenth, each a little worse than the one before; the later ones joined later."""
    copies = []
    for n, joined in enumerate((0, 0, 3, 5, 7)):
        copy = factories.SubscriptionFactory.create(strategy=strategy, allocation=100 + 20 * n)
        copies.append(copy)
        for days, side, quantity, price, fee in STORY[joined:]:
            worse = Decimal(price) * (1 + Decimal(n) / 1000 * (1 if side == "buy" else -1))
            trade(
                strategy,
                side,
                str(Decimal(quantity) / 10),
                str(worse),
                at=NOW - DAY * days + LATE,
                fee=str(Decimal(fee) / 10),
                copy=copy,
                master_price=price,
            )
    return copies


def close_to(wanted: dict[str, Any]) -> dict[str, Any]:
    """As floats get it, to the digits that are kept."""
    return {
        name: value if isinstance(value, (int, datetime, type(None))) else pytest.approx(value, abs=6e-5)
        for name, value in wanted.items()
    }


def told(performance: dict[str, Any], names: Any) -> dict[str, Any]:
    """The same figures of the API, as numbers and times."""
    found: dict[str, Any] = {}
    for name in names:
        value = performance[name]
        if isinstance(value, dict):
            value = {part: float(number) for part, number in value.items()}
        elif isinstance(value, str):
            value = moment(value) if name.startswith("drawdown_") else float(value)
        found[name] = value
    return found


def kept_prices(api: Client) -> list[dict[str, Any]]:
    return listed(api, "/api/v1/prices/?exchange=paper&symbol=BTC/USDT&page_size=200")


def account_of(api: Client, strategy: Strategy) -> Account:
    """The master's account, from nothing but what the API gives out."""
    address = f"/api/v1/strategies/{strategy.public_id}/"
    performance = Client().get(f"{address}performance/").json()
    deals = exported(api, f"&strategy={strategy.public_id}")
    return Account(
        opening=float(performance["equity_curve"][0]["equity"]),
        since=moment(performance["since"]),
        now=moment(performance["computed_at"]),
        deals=deals,
        flows=listed(Client(), f"{address}flows/"),
        prices=Prices({"BTC/USDT": kept_prices(api)}, deals),
    )


@pytest.mark.parametrize("period", ["7d", "all"])
def test_every_figure_follows_from_the_exports(api_of, strategy, followers, period):
    address = f"/api/v1/strategies/{strategy.public_id}/"
    performance = Client().get(f"{address}performance/?period={period}").json()
    since, now = moment(performance["since"]), moment(performance["computed_at"])
    master = api_of(strategy.owner)
    deals = exported(master, f"&strategy={strategy.public_id}")
    of_account = account_of(master, strategy).figures(since)
    months = of_account.pop("months")
    assert told(performance, of_account) == close_to(of_account)
    if period == "all":
        page = Client().get(f"/strategies/{strategy.slug}/")
        shown = {month.name: float(month.change) for month in page.context["months"]}
        assert shown == pytest.approx(months, abs=6e-5)
    of_fills = of_trades(deals, since, now)
    of_fills["average_holding_seconds"] = int(of_fills["average_holding_seconds"])
    wanted = close_to(of_fills) | {"trades_per_week": pytest.approx(of_fills["trades_per_week"], abs=0.006)}
    assert told(performance, of_fills) == wanted

    copies = [_exports_of(api_of(copy.follower)) for copy in followers]
    of_followers = of_copies(copies, deals, since, now, _last_kept(kept_prices(master)))
    spread = {name: of_followers.pop(name) for name in ("slippage_bps", "replication_lag_ms")}
    assert told(performance, of_followers) == close_to(of_followers)
    for name, values in spread.items():
        assert told(performance, [name])[name] == pytest.approx(values, abs=0.06)


@pytest.mark.parametrize("period", ["7d", "all"])
def test_each_point_of_the_curve_is_the_accounts_equity_then_and_what_1_had_become(api_of, strategy, period):
    address = f"/api/v1/strategies/{strategy.public_id}/performance/?period={period}"
    performance = Client().get(address).json()
    by_hand = account_of(api_of(strategy.owner), strategy).curve(moment(performance["since"]))
    shown = {
        int(moment(point["at"]).timestamp()): float(point["equity"]) for point in performance["equity_curve"]
    }
    assert len(shown) > 100
    assert shown == pytest.approx({at: by_hand[at][0] for at in shown}, abs=1e-6)
    file = Client().get(f"/strategies/{strategy.slug}/curve.csv?period={period}").content.decode()
    grown = {
        int(moment(row["time"]).timestamp()): float(row["one_became"])
        for row in csv.DictReader(io.StringIO(file))
    }
    assert grown == pytest.approx({at: by_hand[at][1] for at in shown}, abs=1e-6)


@pytest.fixture
def old_strategy(db) -> Strategy:
    """Fourteen months of a fill each eleven days, and a deposit in each period but the shortest."""
    begun = NOW - DAY * 430
    strategy = factories.StrategyFactory.create(published_at=begun)
    PerformanceSnapshot.objects.create(strategy=strategy, at=begun, equity=Decimal(1000))
    hour = begun.replace(minute=0)
    PricePoint.objects.bulk_create(
        PricePoint(exchange="paper", symbol="BTC/USDT", at=at, price=price_at(at), read_at=at)
        for at in (hour + timedelta(hours=6 * n) for n in range(430 * 4 + 1))
    )
    for number, days in enumerate((400, 200, 60, 20)):
        Transfer.objects.create(
            exchange_account=strategy.exchange_account,
            kind="deposit",
            venue_id=str(number),
            asset="USDT",
            amount=Decimal(300),
            at=NOW - DAY * days,
        )
    for n in range(39):
        side, quantity = ("buy", "4") if n % 2 == 0 else ("sell", "3.9")
        trade(strategy, side, quantity, str(97 + n % 7), at=NOW - DAY * (429.5 - 11 * n), fee="0.4")
    return strategy


def test_each_period_is_worked_out_from_its_own_beginning(api_of, old_strategy):
    address = f"/api/v1/strategies/{old_strategy.public_id}/performance/?period="
    performances = {period: Client().get(f"{address}{period}").json() for period in Period.values}
    account = account_of(api_of(old_strategy.owner), old_strategy)
    for period, performance in performances.items():
        by_hand = account.figures(moment(performance["since"]))
        del by_hand["months"]
        assert told(performance, by_hand) == close_to(by_hand), period
    for figure in ("since", "roi", "pnl", "days_in_loss", "sharpe", "sortino", "exposure"):
        assert len({performance[figure] for performance in performances.values()}) == len(Period), figure


def _exports_of(api: Client) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    (subscription,) = api.get("/api/v1/subscriptions/").json()["results"]
    return subscription, exported(api, f"&subscription={subscription['id']}")


def _last_kept(kept: list[dict[str, Any]]) -> Any:
    rows = sorted((moment(row["at"]), float(row["price"])) for row in kept)
    return lambda _symbol, when: [price for at, price in rows if at <= when][-1]


def test_a_coin_without_a_price_is_listed_without_a_value_and_the_page_says_so(strategy):
    told = Client().get(f"/api/v1/strategies/{strategy.public_id}/flows/").json()["results"]
    values = {row["asset"]: (row["kind"], row["amount"], row["price"], row["value"]) for row in told}
    assert values["NEW"] == ("deposit", "7", None, None)
    btc = price_at((NOW - DAY * 5).replace(minute=0)) + 5
    assert values["BTC"] == ("deposit", "2", str(btc), str(2 * btc))
    assert [row["value"] for row in told if row["asset"] == "USDT"] == ["-201", "500"]
    performance = Client().get(f"/api/v1/strategies/{strategy.public_id}/performance/?period=7d").json()
    assert performance["flows_uncounted"] == 1
    page = Client().get(f"/strategies/{strategy.slug}/").content.decode()
    assert "was of a coin without a price then" in page
    assert "/definitions/#flows" in page


def test_flows_are_told_to_whom_the_strategy_is_and_cost_the_same_however_many(
    strategy, django_assert_num_queries
):
    address = f"/api/v1/strategies/{strategy.public_id}/flows/"
    with django_assert_num_queries(2):
        assert len(Client().get(address).json()["results"]) == 4
    Strategy.objects.filter(pk=strategy.pk).update(visibility="private")
    assert Client().get(address).status_code == 404


def test_kept_prices_are_listed_newest_first_within_their_range(api, strategy):
    ends = {"from": (NOW - DAY).isoformat(), "to": NOW.isoformat()}
    rows = api.get("/api/v1/prices/", {"exchange": "paper", "symbol": "BTC/USDT"} | ends).json()["results"]
    assert rows[0]["at"] > rows[-1]["at"] >= (NOW - DAY).isoformat()[:19]
    assert len(rows) == 48
    for query in ("symbol=BTC/USDT", "exchange=paper", "exchange=paper&symbol=nope"):
        assert api.get(f"/api/v1/prices/?{query}").status_code == 400
    assert api.get("/api/v1/prices/?exchange=paper&symbol=NOPE/USDT").json()["results"] == []
