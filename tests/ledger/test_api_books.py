"""Trades, their export and positions through the API."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from compliance.models import AuditRecord
from exchanges.types import FillReport, Side
from execution.models import CopyOrder, client_order_id
from ledger import export
from ledger.booking import Entry, book_fills
from ledger.models import Mark, Position, Trade
from rest.csv_cells import neutralised
from subscriptions.relations import lock_relations
from tests import factories

URL = "/api/v1/trades/"
EXPORT = "/api/v1/trades/export"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def book(subscription, *, strategy=None, trade_id="1", side="buy", order=None, **changes):
    """A fill through the books' own door; `subscription` None: the master's."""
    strategy = strategy or subscription.strategy
    account = subscription.exchange_account if subscription else strategy.exchange_account
    values = {
        "symbol": "BTC/USDT",
        "venue_order_id": f"v{trade_id}",
        "trade_id": trade_id,
        "client_order_id": order.client_order_id if order else "",
        "side": Side(side),
        "price": Decimal("100000"),
        "quantity": Decimal("0.010"),
        "fee": Decimal("1"),
        "fee_asset": "USDT",
        "at": AT,
    }
    entry = Entry(
        fill=FillReport(**(values | changes)),
        account_id=account.pk,
        exchange=account.exchange,
        strategy_id=strategy.pk,
        relation=subscription and lock_relations([subscription.pk])[subscription.pk],
        client_order_id=values["client_order_id"],
    )
    assert book_fills([entry], now=timezone.now())
    return Trade.objects.order_by("pk").last()


@pytest.fixture
def order(subscription):
    name = client_order_id(origin="signal", origin_number=1, owner=subscription.pk, symbol="BTC/USDT", part=1)
    return CopyOrder.objects.create(
        origin="signal",
        origin_number=1,
        subscription=subscription,
        strategy=subscription.strategy,
        exchange_account=subscription.exchange_account,
        client_order_id=name,
        kind="entry",
        symbol="BTC/USDT",
        side="buy",
        type="limit_ioc",
        target_change=1,
    )


def export_of(api, query):
    answer = api.get(f"{EXPORT}?{query}")
    assert answer.status_code == 200, answer.content
    return answer, b"".join(answer.streaming_content).decode()


def test_a_trade_names_its_order_and_its_money_is_exact(api, subscription, order):
    trade = book(subscription, order=order)
    (told,) = api.get(URL).json()["results"]
    assert told == {
        "id": str(trade.public_id),
        "at": "2026-03-01T12:00:00Z",
        "strategy": str(subscription.strategy.public_id),
        "subscription": str(subscription.public_id),
        "exchange_account": str(subscription.exchange_account.public_id),
        "symbol": "BTC/USDT",
        "side": "buy",
        "price": "100000",
        "amount": "0.01",
        "cost": "1000",
        "fee": "1",
        "fee_asset": "USDT",
        "fee_in_quote": "1",
        "realised_pnl": "0",
        "order": str(order.public_id),
        "venue_trade_id": "1",
        "reverses": None,
        "reversed_by": None,
    }


def test_a_masters_own_fills_are_trades_too(api_of, subscription):
    strategy = subscription.strategy
    book(None, strategy=strategy)
    book(subscription)
    (told,) = api_of(strategy.owner).get(URL).json()["results"]
    assert told["subscription"] is None
    assert told["order"] is None
    (copied,) = api_of(subscription.follower).get(URL).json()["results"]
    assert copied["subscription"] == str(subscription.public_id)


def test_from_is_included_and_to_is_not(api, subscription):
    for number in range(3):
        book(subscription, trade_id=str(number), at=AT + timedelta(hours=number))

    def ids(query):
        answer = api.get(f"{URL}?{query}")
        assert answer.status_code == 200, answer.content
        return [row["venue_trade_id"] for row in answer.json()["results"]]

    assert ids("") == ["2", "1", "0"]
    assert ids("from=2026-03-01T13:00:00Z") == ["2", "1"]
    assert ids("to=2026-03-01T14:00:00%2B00:00") == ["1", "0"]
    assert ids("from=2026-03-01T13:00:00Z&to=2026-03-01T14:00:00Z") == ["1"]


def test_the_other_filters(api, user, subscription):
    other = factories.SubscriptionFactory.create(follower=user)
    book(subscription, trade_id="1")
    book(subscription, trade_id="2", side="sell")
    book(other, trade_id="3", symbol="ETH/USDT", price=Decimal(4000))

    def ids(query):
        answer = api.get(f"{URL}?{query}")
        assert answer.status_code == 200, answer.content
        return [row["venue_trade_id"] for row in answer.json()["results"]]

    assert ids("symbol=ETH/USDT") == ["3"]
    assert ids("side=sell") == ["2"]
    assert ids(f"subscription={other.public_id}") == ["3"]
    assert ids(f"strategy={subscription.strategy.public_id}") == ["2", "1"]
    soon = (timezone.now() + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    assert ids(f"updated_since={soon}") == []


@pytest.mark.parametrize("path", [URL, EXPORT])
@pytest.mark.parametrize(
    "query",
    [
        "from=2026-03-01",
        "to=x",
        "symbol=btc",
        "side=long",
        "subscription=5",
        "colour=red",
        "side=buy&side=sell",
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused(api, path, query):
    assert api.get(f"{path}?format=csv&{query}" if path == EXPORT else f"{path}?{query}").status_code == 400


def test_an_export_needs_a_known_form(api):
    assert api.get(EXPORT).status_code == 400
    assert api.get(f"{EXPORT}?format=xlsx").status_code == 400


def test_others_trades_are_not_told(api_of, stranger, subscription):
    book(subscription)
    api = api_of(stranger)
    assert api.get(URL).json()["results"] == []
    assert json.loads(export_of(api, "format=json")[1]) == []
    assert api.get(f"{URL}?subscription={subscription.public_id}").status_code == 400


def test_both_exports_tell_what_the_list_tells(api, subscription, order):
    book(subscription, order=order, trade_id="1")
    book(subscription, trade_id="2", side="sell", price=Decimal("90000"))
    listed = api.get(URL).json()["results"]
    answer, text = export_of(api, "format=json")
    assert answer["Content-Type"] == "application/json"
    assert json.loads(text) == listed
    answer, text = export_of(api, "format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert text.count("\r\n") == 3
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(export.COLUMNS)
    assert rows == [{name: value or "" for name, value in row.items()} for row in listed]
    # A loss stays a number.
    assert rows[0]["realised_pnl"].startswith("-")
    assert (
        AuditRecord.objects.filter(action="export", actor=str(subscription.follower.public_id)).count() == 2
    )


def test_an_export_is_filtered_like_the_list(api, subscription):
    book(subscription, trade_id="1")
    book(subscription, trade_id="2", side="sell")
    (row,) = json.loads(export_of(api, "format=json&side=sell")[1])
    assert row["venue_trade_id"] == "2"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-cmd", "@x", "\tx", "\rx"])
def test_a_text_that_looks_like_a_formula_is_neutralised_reversibly(api, subscription, text):
    book(subscription, trade_id=text)
    (row,) = csv.DictReader(io.StringIO(export_of(api, "format=csv")[1], newline=""))
    assert row["venue_trade_id"] == f"'{text}"
    assert neutralised("1-1") == "1-1"


def test_an_export_of_any_size_leaves_in_blocks_and_is_never_held(
    api, subscription, monkeypatch, django_assert_num_queries
):
    for number in range(25):
        book(subscription, trade_id=str(number))
    monkeypatch.setattr(export, "CHUNK", 10)
    api.get(URL)
    with django_assert_num_queries(4):
        answer = api.get(f"{EXPORT}?format=csv")
        blocks = list(answer.streaming_content)
    assert [block.count(b"\r\n") for block in blocks] == [1, 10, 10, 5]
    with django_assert_num_queries(4):
        assert len(json.loads(export_of(api, "format=json")[1])) == 25


@pytest.mark.parametrize("text", ['a"b', "a,b", "a\nb", "a\\b", "\\N", "\\.", "zwölf", "a\tb", "'=1"])
def test_whatever_an_exchange_calls_a_trade_is_told_as_it_is(api, subscription, text):
    book(subscription, trade_id=text)
    (row,) = json.loads(export_of(api, "format=json")[1])
    assert row["venue_trade_id"] == text
    (row,) = csv.DictReader(io.StringIO(export_of(api, "format=csv")[1], newline=""))
    assert row["venue_trade_id"] == neutralised(text)


def test_a_page_of_trades_takes_the_same_queries_however_long(api, subscription, django_assert_num_queries):
    book(subscription)
    api.get(URL)
    with django_assert_num_queries(2):
        api.get(URL)
    for number in range(2, 12):
        book(subscription, trade_id=str(number))
    with django_assert_num_queries(2):
        assert len(api.get(URL).json()["results"]) == 11


def test_a_position_is_worth_nothing_known_without_a_fresh_price(api, subscription):
    position = Position.objects.create(
        strategy=subscription.strategy,
        subscription=subscription,
        symbol="BTC/USDT",
        target="0.012",
        held="0.01",
        cost="900.5",
        fees="0.5",
        realised_pnl="-3",
    )
    url = "/api/v1/positions/"
    (told,) = api.get(url).json()["results"]
    assert told == {
        "id": str(position.public_id),
        "subscription": str(subscription.public_id),
        "symbol": "BTC/USDT",
        "amount": "0.01",
        "target": "0.012",
        "average_cost": "90050",
        "realised_pnl": "-3",
        "unrealised_pnl": None,
        "fees": "0.5",
        "fees_uncounted": 0,
        "adjustments": [],
    }
    mark = Mark.objects.create(exchange="paper", symbol="BTC/USDT", price=100_000, at=timezone.now())
    assert api.get(url).json()["results"][0]["unrealised_pnl"] == "99.5"
    mark.at -= timedelta(minutes=2)
    mark.save()
    assert api.get(url).json()["results"][0]["unrealised_pnl"] is None


def test_others_positions_are_not_told(api_of, stranger, subscription):
    Position.objects.create(
        strategy=subscription.strategy, subscription=subscription, symbol="BTC/USDT", held=1
    )
    Position.objects.create(strategy=subscription.strategy, symbol="BTC/USDT", held=1)
    assert api_of(stranger).get("/api/v1/positions/").json()["results"] == []


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_without_bounds_or_with_the_widest_tells_everything(api, subscription, form):
    book(subscription, trade_id="1")
    everything = export_of(api, f"format={form}")[1]
    widest = "from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z"
    assert export_of(api, f"format={form}&{widest}")[1] == everything
    assert str(subscription.public_id) in everything


@pytest.mark.parametrize("bound", ["from=0001-01-01T00:00:00%2B14:00", "to=9999-12-31T23:59:59-14:00"])
def test_a_bound_beyond_all_time_is_refused(api, bound):
    assert api.get(f"{EXPORT}?format=csv&{bound}").status_code == 400
