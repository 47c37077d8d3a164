"""Orders through the API: every field, and a reason for each that was not copied."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from execution import explain
from execution.models import CopyOrder, client_order_id
from execution.reasons import Reason
from execution.states import Status
from strategies.models import Signal
from tests import factories

URL = "/api/v1/orders/"
START = timezone.now() - timedelta(minutes=1)


def make_order(subscription, number=1, **changes):
    signal = Signal.objects.create(
        strategy=subscription.strategy,
        number=number,
        symbol="BTC/USDT",
        side="buy",
        amount=1,
        price=100_000,
        at=START,
    )
    values = {
        "kind": "entry",
        "side": "buy",
        "type": "limit_ioc",
        "price": Decimal(100_300),
        "target_change": Decimal("0.01"),
        "requested_amount": Decimal("0.01"),
        "master_price": Decimal(100_000),
        "signal_at": START,
        "detected_at": START + timedelta(milliseconds=20),
        "created_at": START + timedelta(milliseconds=30),
        "submitted_at": START + timedelta(milliseconds=45),
        "claimed_at": START,
        "attempt": 1,
    }
    name = client_order_id(
        origin="signal", origin_number=number, owner=subscription.pk, symbol="BTC/USDT", part=1
    )
    return CopyOrder.objects.create(
        origin="signal",
        origin_number=number,
        signal=signal,
        subscription=subscription,
        strategy=subscription.strategy,
        exchange_account=subscription.exchange_account,
        symbol="BTC/USDT",
        client_order_id=name,
        **(values | changes),
    )


@pytest.fixture
def filled(subscription):
    return make_order(
        subscription,
        status="filled",
        filled_amount=Decimal("0.01"),
        filled_cost=Decimal("1000.31"),
        acknowledged_at=START + timedelta(milliseconds=140),
        finished_at=START + timedelta(milliseconds=145),
        sizing=[
            {"label": "Master's share", "detail": "{0} of {1}", "result": "1 %", "values": ["100", "10000"]}
        ],
    )


def test_an_order_tells_what_it_cost_and_how_long_it_took(api, subscription, filled):
    (told,) = api.get(URL).json()["results"]
    assert told == {
        "id": str(filled.public_id),
        "subscription": str(subscription.public_id),
        "strategy": str(subscription.strategy.public_id),
        "signal": str(filled.signal.public_id),
        "origin": "signal",
        "part": 1,
        "kind": "entry",
        "symbol": "BTC/USDT",
        "side": "buy",
        "status": "filled",
        "reason": None,
        "requested_amount": "0.01",
        "filled_amount": "0.01",
        "average_price": "100031",
        "slippage_bps": "3.1",
        "latency_ms": {"detect": 20, "size": 25, "submit": 95, "fill": 5},
        "client_order_id": filled.client_order_id,
        "created_at": told["created_at"],
        "updated_at": told["updated_at"],
    }
    one = api.get(f"{URL}{filled.public_id}/").json()
    assert one["sizing"] == [{"label": "Master's share", "detail": "100 of 10000", "result": "1 %"}]
    (attempt,) = one["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["reason"]) == (1, "placed", "")
    assert attempt["submitted_at"] < attempt["answered_at"]


def test_every_time_that_an_order_was_sent_is_told_with_what_came_of_it(api, subscription):
    earlier = {
        "number": 1,
        "submitted_at": START.isoformat(),
        "answered_at": (START + timedelta(milliseconds=5)).isoformat(),
        "outcome": "refused",
        "reason": "waiting_for_venue",
        "code": "-1013",
        "text": "Filter failure: LOT_SIZE",
    }
    order = make_order(subscription, status="unknown", attempt=2, earlier_attempts=[earlier])
    first, second = api.get(f"{URL}{order.public_id}/").json()["attempts"]
    assert {name: first[name] for name in ("number", "outcome", "reason", "code", "text")} == {
        name: earlier[name] for name in ("number", "outcome", "reason", "code", "text")
    }
    assert (second["number"], second["outcome"], second["answered_at"]) == (2, "unknown", None)


def test_an_order_that_never_left_has_no_attempts(api, subscription):
    order = make_order(subscription, status="skipped", attempt=0, reason_code="below_minimum")
    assert api.get(f"{URL}{order.public_id}/").json()["attempts"] == []


def test_an_order_that_waits_after_a_refusal_tells_that_refusal_once(api, subscription):
    earlier = {
        "number": 1,
        "submitted_at": None,
        "answered_at": START.isoformat(),
        "outcome": "not_placed",
        "reason": "waiting_for_venue",
        "code": "",
        "text": "",
    }
    order = make_order(subscription, status="pending", earlier_attempts=[earlier])
    assert [one["number"] for one in api.get(f"{URL}{order.public_id}/").json()["attempts"]] == [1]


def test_a_seller_who_gets_less_than_the_master_slipped(subscription):
    order = make_order(
        subscription, side="sell", kind="exit", filled_amount=Decimal(2), filled_cost=Decimal(199_800)
    )
    assert explain.slippage_bps(order) == Decimal("10.00")
    order.filled_cost = Decimal(200_200)
    assert explain.slippage_bps(order) == Decimal("-10.00")


def test_what_is_not_known_is_null(api, subscription):
    make_order(
        subscription,
        status="skipped",
        reason_code="signal_too_old",
        requested_amount=None,
        master_price=None,
        detected_at=None,
        attempt=0,
    )
    (told,) = api.get(URL).json()["results"]
    assert told["average_price"] is None and told["slippage_bps"] is None
    assert told["requested_amount"] is None
    assert told["latency_ms"] == {"detect": None, "size": None, "submit": None, "fill": None}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {
                "status": "skipped",
                "reason_code": "below_minimum",
                "sizing": [
                    {
                        "label": "Below the exchange's minimum",
                        "detail": "3.80 USDT; the exchange takes 5 or more",
                        "result": "carried",
                    }
                ],
            },
            "Your share was 3.80 USDT; the exchange takes 5 or more. "
            "We keep it and add it to the next trade.",
        ),
        (
            {
                "status": "denied",
                "reason_code": "max_order_notional",
                "reason_text": "Stopped by your limit: this order is 541.00 USDT; you allow 500.",
            },
            "Stopped by your limit: this order is 541.00 USDT; you allow 500.",
        ),
        (
            {
                "status": "rejected",
                "reason_code": "insufficient_funds",
                "reason_text": "Account has insufficient balance for requested action. (-2010)",
            },
            "The paper exchange refused: not enough USDT (-2010). Nothing was bought.",
        ),
        (
            {"status": "unknown"},
            "The exchange did not answer. We are asking whether the order exists and will not send it twice.",
        ),
        (
            {"status": "canceled", "reason_code": "beyond_slippage", "filled_amount": Decimal("0.004")},
            "0.004 of 0.01 BTC could be bought at 100300 USDT or less, your slippage limit; "
            "the rest was canceled.",
        ),
        (
            {"status": "canceled", "reason_code": "beyond_slippage"},
            "Nobody sold at 100300 USDT or less, your slippage limit. Nothing was bought.",
        ),
    ],
)
def test_the_reason_is_a_sentence_with_its_numbers(api, subscription, changes, sentence):
    make_order(subscription, **changes)
    (told,) = api.get(URL).json()["results"]
    assert told["reason"]["sentence"] == sentence


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(subscription, reason):
    order = make_order(subscription, status="skipped", reason_code=reason)
    order.refresh_from_db()
    sentence = explain.reason_sentence(order)
    assert sentence.endswith(".")
    assert explain.sentence_of(reason)


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_words(status):
    words = explain.status_words(CopyOrder(status=status))
    assert str(words.word)


def test_a_part_that_was_filled_is_told_as_partly_copied():
    order = CopyOrder(status="canceled", filled_amount=Decimal("0.1"))
    assert str(explain.status_words(order).word) == "Partly copied"


def test_the_filters_of_the_list(api, user, subscription, filled):
    other = factories.SubscriptionFactory.create(follower=user)
    skipped = make_order(other, status="skipped", reason_code="paused", updated_at=START - timedelta(days=1))

    def ids(query):
        answer = api.get(f"{URL}?{query}")
        assert answer.status_code == 200, answer.content
        return [row["id"] for row in answer.json()["results"]]

    first, second = str(skipped.public_id), str(filled.public_id)
    assert ids("") == [first, second]
    assert ids("status=filled") == [second]
    assert ids("status=filled&status=skipped") == [first, second]
    assert ids(f"subscription={other.public_id}") == [first]
    assert ids(f"strategy={subscription.strategy.public_id}") == [second]
    assert ids(f"signal={filled.signal.public_id}") == [second]
    since = START.isoformat().replace("+00:00", "Z")
    assert ids(f"updated_since={since}") == [second]


@pytest.mark.parametrize(
    "query",
    [
        "status=sold",
        "updated_since=yesterday",
        "updated_since=2025-10-04",
        "subscription=x",
        "strategy=0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11",
        "cursor=x",
        "symbol=BTC/USDT",
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused(api, query):
    assert api.get(f"{URL}?{query}").status_code == 400


def test_others_orders_are_not_found(api_of, stranger, filled):
    api = api_of(stranger)
    assert api.get(URL).json()["results"] == []
    assert api.get(f"{URL}{filled.public_id}/").status_code == 404
    assert api.get(f"{URL}?subscription={filled.subscription.public_id}").status_code == 400


def test_pages_neither_repeat_nor_lose_while_orders_are_added(api, subscription):
    for number in range(1, 6):
        make_order(subscription, number=number, status="skipped", reason_code="paused")
    page = api.get(f"{URL}?page_size=2").json()
    seen = [row["id"] for row in page["results"]]
    make_order(subscription, number=6, status="skipped", reason_code="paused")
    while page["next"]:
        page = api.get(page["next"]).json()
        seen += [row["id"] for row in page["results"]]
    assert len(seen) == len(set(seen)) == 5


def test_a_page_of_orders_takes_the_same_queries_however_long(api, subscription, django_assert_num_queries):
    make_order(subscription, status="skipped", reason_code="paused")
    # The first request with a token also notes its use.
    api.get(URL)
    with django_assert_num_queries(2) as captured:
        api.get(URL)
    for number in range(2, 12):
        make_order(subscription, number=number, status="skipped", reason_code="paused")
    with django_assert_num_queries(len(captured)):
        assert len(api.get(URL).json()["results"]) == 11
