"""Each fault does what it says, to whom it says, as often as it says."""

import time

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

from paper_exchange.control import Forbidden, check_loopback
from tests.paper_exchange.venue_process import PaperExchange, Trader, pointed

CLIENT_ID = {"clientOrderId": "c00000000000000001"}


def buy(trader: Trader, **params):
    return trader.ccxt.create_order("ETH/USDT", "market", "buy", 0.1, None, CLIENT_ID | params)


def looked_up(trader: Trader):
    return trader.ccxt.fetch_order(None, "ETH/USDT", CLIENT_ID)


@pytest.mark.parametrize(
    ("kind", "details", "error"),
    [
        ("drop_after", {}, ccxt.NetworkError),
        ("reset_after", {}, ccxt.NetworkError),
        ("torn", {}, (ccxt.NetworkError, ccxt.ExchangeError)),
        ("status", {"status": 500, "when": "after"}, ccxt.OperationFailed),
        ("status", {"status": 503, "when": "after", "body": ""}, ccxt.ExchangeNotAvailable),
        ("status", {"status": 504, "when": "after"}, ccxt.RequestTimeout),
        ("html", {"when": "after"}, ccxt.ExchangeNotAvailable),
    ],
)
def test_an_answer_lost_after_acceptance_leaves_one_order(trader: Trader, kind, details, error) -> None:
    trader.venue.fault(kind, key=trader.key, endpoint="order", count=1, **details)
    with pytest.raises(error):
        buy(trader)
    assert looked_up(trader)["filled"] == 0.1
    assert [order["executed"] for order in trader.audit()] == ["0.10000000"]


@pytest.mark.parametrize(
    ("kind", "details", "error"),
    [
        ("reset_before", {}, ccxt.NetworkError),
        ("status", {"status": 500}, ccxt.OperationFailed),
        ("status", {"status": 429, "retry_after": 30}, ccxt.DDoSProtection),
        ("status", {"status": 418, "retry_after": 120}, ccxt.DDoSProtection),
        ("html", {}, ccxt.ExchangeNotAvailable),
        ("maintenance", {}, ccxt.OnMaintenance),
        ("reject", {}, ccxt.InvalidOrder),
        ("reject", {"code": -1013, "msg": "Filter failure: PERCENT_PRICE_BY_SIDE"}, ccxt.InvalidOrder),
        ("halt", {"symbol": "ETHUSDT"}, ccxt.MarketClosed),
        ("revoke", {}, (ccxt.AuthenticationError, ccxt.DDoSProtection)),
        ("clock_skew_ms", {"ms": 30_000, "key": ""}, ccxt.InvalidNonce),
        ("clock_skew_ms", {"ms": -30_000, "key": ""}, ccxt.InvalidNonce),
    ],
)
def test_a_fault_before_acceptance_leaves_no_order(trader: Trader, kind, details, error) -> None:
    trader.venue.fault(kind, **{"key": trader.key, "endpoint": "order"} | details)
    with pytest.raises(error):
        buy(trader)
    trader.venue.ask("DELETE", "/control/faults")
    assert trader.audit() == []
    assert buy(trader)["filled"] == 0.1


@pytest.mark.parametrize(("kind", "details"), [("cut_short", {}), ("html", {"when": "after", "status": 200})])
def test_an_unreadable_answer_with_status_200_is_given_to_the_caller_as_text(
    trader: Trader, kind, details
) -> None:
    """ccxt raises nothing here: an order without an id, whose `info` is no object."""
    trader.venue.fault(kind, key=trader.key, endpoint="order", count=1, **details)
    order = buy(trader)
    assert (order["id"], type(order["info"])) == (None, str)
    assert looked_up(trader)["filled"] == 0.1


def test_too_many_requests_name_the_time_to_wait(venue: PaperExchange) -> None:
    venue.fault("status", status=429, retry_after=30, endpoint="market")
    with pytest.raises(ccxt.DDoSProtection):
        exchange = pointed(ccxt.binance, venue, venue.open_account())
        exchange.fetch_time()
    assert exchange.last_response_headers["Retry-After"] == "30"


def test_a_held_order_is_judged_by_the_time_it_arrives(trader: Trader) -> None:
    trader.venue.fault("hold", key=trader.key, endpoint="order", ms=300, count=1)
    with pytest.raises(ccxt.InvalidNonce, match="recvWindow"):
        buy(trader, recvWindow=200)
    assert trader.audit() == []
    trader.venue.fault("hold", key=trader.key, endpoint="order", ms=50, count=1)
    assert buy(trader, recvWindow=5000)["filled"] == 0.1


def test_a_client_that_gave_up_may_still_have_its_order_accepted(trader: Trader) -> None:
    trader.venue.fault("hold", key=trader.key, endpoint="order", ms=400, count=1)
    trader.ccxt.timeout = 150
    with pytest.raises(ccxt.RequestTimeout):
        buy(trader)
    trader.ccxt.timeout = 10_000
    with pytest.raises(ccxt.OrderNotFound):
        looked_up(trader)
    deadline = time.monotonic() + 5
    while not trader.audit() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert looked_up(trader)["filled"] == 0.1


def test_latency_delays_the_answer(trader: Trader) -> None:
    trader.venue.fault("latency", key=trader.key, ms=120)
    started = time.monotonic()
    trader.ccxt.fetch_balance()
    assert time.monotonic() - started >= 0.12


def test_a_partial_fill_leaves_the_rest_expired_or_resting(trader: Trader) -> None:
    trader.venue.fault("partial_fill", key=trader.key, fraction="0.4", count=2)
    market = buy(trader)
    assert (market["info"]["status"], market["filled"]) == ("EXPIRED", 0.04)
    limit = trader.ccxt.create_order("ETH/USDT", "limit", "buy", 0.1, 4100)
    assert (limit["info"]["status"], limit["filled"]) == ("PARTIALLY_FILLED", 0.04)
    trader.venue.set_price("ETHUSDT", "3999")
    assert trader.ccxt.fetch_order(limit["id"], "ETH/USDT")["status"] == "closed"


def test_a_market_order_can_expire_half_filled(trader: Trader) -> None:
    trader.venue.fault("expire_half", key=trader.key, count=1)
    order = buy(trader)
    assert (order["info"]["status"], order["filled"], order["remaining"]) == ("EXPIRED", 0.05, 0.05)
    assert buy(trader)["filled"] == 0.1


def test_an_order_can_be_taken_and_rejected(trader: Trader) -> None:
    trader.venue.fault("reject", key=trader.key, order_status="REJECTED", count=1)
    assert buy(trader)["info"]["status"] == "REJECTED"
    assert looked_up(trader)["status"] == "rejected"


def test_a_lagging_look_up_finds_the_order_later(trader: Trader) -> None:
    trader.venue.fault("lagging_look_up", key=trader.key, seconds=0.5)
    buy(trader)
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        looked_up(trader)
    time.sleep(0.6)
    assert looked_up(trader)["filled"] == 0.1


def test_a_halted_symbol_is_told_and_the_others_trade_on(trader: Trader) -> None:
    trader.venue.fault("halt", symbol="ETHUSDT")
    markets = trader.ccxt.load_markets(True)
    assert (markets["ETH/USDT"]["active"], markets["BTC/USDT"]["active"]) == (False, True)
    assert trader.ccxt.create_order("BTC/USDT", "market", "buy", 0.001)["filled"] == 0.001


def test_a_rule_strikes_only_whom_it_names_and_as_often_as_it_says(trader: Trader) -> None:
    other = pointed(ccxt.binance, trader.venue, trader.venue.open_account())
    trader.venue.fault("reject", key=trader.key, symbol="ETHUSDT", side="BUY", count=2)
    assert other.create_order("ETH/USDT", "market", "buy", 0.1)["filled"] == 0.1
    assert trader.ccxt.create_order("BTC/USDT", "market", "buy", 0.001)["filled"] == 0.001
    for _ in range(2):
        with pytest.raises(ccxt.InvalidOrder):
            buy(trader)
    assert buy(trader)["filled"] == 0.1
    assert trader.ccxt.create_order("ETH/USDT", "market", "sell", 0.05)["filled"] == 0.05


def test_chance_decides_by_the_seed(venue: PaperExchange) -> None:
    exchange = pointed(ccxt.binance, venue, venue.open_account())
    venue.fault("status", status=500, probability=0.5, endpoint="account", key=exchange.apiKey)
    outcomes = []
    for _ in range(60):
        try:
            exchange.fetch_balance()
            outcomes.append(True)
        except ccxt.OperationFailed:
            outcomes.append(False)
    assert 10 < sum(outcomes) < 50


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "nonsense"},
        {"kind": "latency", "ms": "fast"},
        {"kind": "latency", "endpoint": "everything"},
        {"kind": "partial_fill", "fraction": "1.5"},
        {"kind": "status", "when": "sometimes"},
        {"kind": "halt", "surprise": 1},
        "halt",
    ],
)
def test_a_rule_that_cannot_be_understood_changes_nothing(venue: PaperExchange, rule) -> None:
    status, answer = venue.ask("POST", "/control/faults", [{"kind": "latency"}, rule])
    assert (status, list(answer)) == (400, ["error"])
    assert venue.ask("GET", "/control/faults")[1] == []


def test_one_rule_can_be_taken_back(venue: PaperExchange) -> None:
    first, second = venue.post(
        "/control/faults", [{"kind": "latency", "ms": 1}, {"kind": "halt", "symbol": "LTCUSDT"}]
    )
    left = venue.ask("DELETE", f"/control/faults?id={first['id']}")[1]
    assert [rule["id"] for rule in left] == [second["id"]]


@pytest.mark.parametrize("peer", ["10.0.0.5", "::ffff:10.0.0.5", "fe80::1", "203.0.113.9", "", None])
def test_control_is_for_loopback_peers(peer) -> None:
    with pytest.raises(Forbidden):
        check_loopback(peer)
    for own in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"):
        check_loopback(own)
