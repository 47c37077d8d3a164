"""The venue's own codes, messages and statuses, and the exceptions ccxt makes of them."""

import time

import ccxt
import pytest

from tests.paper_exchange.venue_process import PaperExchange, Trader, pointed

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
LIMIT = BUY | {"type": "LIMIT", "timeInForce": "GTC", "price": "100000"}


@pytest.mark.parametrize(
    ("order", "code", "message"),
    [
        (BUY | {"symbol": "NOPEUSDT"}, -1121, "Invalid symbol."),
        (BUY | {"symbol": "btc/usdt"}, -1100, "parameter 'symbol'"),
        (BUY | {"symbol": ""}, -1102, "'symbol'"),
        (BUY | {"side": "LONG"}, -1117, "Invalid side."),
        (BUY | {"type": "STOP_LOSS"}, -1116, "Invalid orderType."),
        (BUY | {"quantity": ""}, -1102, "'quantity' or 'quoteOrderQty'"),
        (BUY | {"quoteOrderQty": "100"}, -1128, "Combination"),
        (BUY | {"price": "1"}, -1106, "'price'"),
        (BUY | {"timeInForce": "GTC"}, -1106, "'timeInForce'"),
        (BUY | {"quantity": "1e3"}, -1100, "'quantity'"),
        (BUY | {"quantity": "-1"}, -1100, "'quantity'"),
        (BUY | {"quantity": "NaN"}, -1100, "'quantity'"),
        (BUY | {"quantity": "0.0010000001"}, -1111, "'quantity' has too much precision"),
        (BUY | {"quantity": "0"}, -1013, "Invalid quantity."),
        (BUY | {"newClientOrderId": "x" * 37}, -1100, "newClientOrderId"),
        (BUY | {"newClientOrderId": "with space"}, -1100, "newClientOrderId"),
        (LIMIT | {"timeInForce": ""}, -1102, "'timeInForce'"),
        (LIMIT | {"timeInForce": "DAY"}, -1115, "Invalid timeInForce."),
        (LIMIT | {"price": ""}, -1102, "'price'"),
        (LIMIT | {"price": "100000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        (LIMIT | {"price": "500000.01"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        (LIMIT | {"price": "19999.99"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        (BUY | {"quantity": "0.000015"}, -1013, "Filter failure: LOT_SIZE"),
        (BUY | {"quantity": "99999999"}, -1013, "Filter failure: LOT_SIZE"),
        (BUY | {"quantity": "121"}, -1013, "Filter failure: MARKET_LOT_SIZE"),
        (BUY | {"quantity": "0.00004"}, -1013, "Filter failure: NOTIONAL"),
        (LIMIT | {"quantity": "0.00004"}, -1013, "Filter failure: NOTIONAL"),
        (BUY | {"quantity": "1"}, -2010, "Account has insufficient balance for requested action."),
        (BUY | {"side": "SELL"}, -2010, "Account has insufficient balance for requested action."),
        (LIMIT | {"quantity": "0.2"}, -2010, "Account has insufficient balance for requested action."),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused_and_not_accepted(
    venue: PaperExchange, order, code, message
) -> None:
    account = venue.open_account()
    status, answer = venue.signed(account, "POST", "/api/v3/order", **order)
    assert (status, answer["code"]) == (400, code)
    assert message in answer["msg"]
    assert venue.audit(account["api_key"]) == []


@pytest.mark.parametrize(
    ("amount", "price", "error"),
    [
        (0.00001, None, ccxt.BadRequest),
        (1, None, ccxt.InsufficientFunds),
        (130, None, ccxt.InvalidOrder),
        (0.01, 600000, ccxt.InvalidOrder),
    ],
)
def test_ccxt_understands_refused_orders(trader: Trader, amount, price, error) -> None:
    kind = "limit" if price else "market"
    with pytest.raises(error):
        trader.ccxt.create_order("BTC/USDT", kind, "buy", amount, price)


def test_an_unknown_order_is_not_found(trader: Trader) -> None:
    for ask in (lambda: trader.ccxt.fetch_order("999", "BTC/USDT"),
                lambda: trader.ccxt.fetch_order(None, "BTC/USDT", {"clientOrderId": "nobody"})):  # fmt: skip
        with pytest.raises(ccxt.OrderNotFound, match="-2013"):
            ask()


def test_nobody_sees_the_orders_of_another_key(trader: Trader, venue: PaperExchange) -> None:
    order = trader.ccxt.create_order("BTC/USDT", "limit", "buy", 0.01, 99000)
    stranger = pointed(ccxt.binance, venue, venue.open_account())
    with pytest.raises(ccxt.OrderNotFound):
        stranger.fetch_order(order["id"], "BTC/USDT")
    with pytest.raises(ccxt.OrderNotFound):
        stranger.cancel_order(order["id"], "BTC/USDT")


def test_keys_and_signatures_are_verified(venue: PaperExchange) -> None:
    account = venue.open_account()
    assert venue.ask("GET", "/api/v3/account")[1]["code"] == -2014
    wrong_key = account | {"api_key": "f" * 64}
    status, answer = venue.signed(wrong_key, "GET", "/api/v3/account")
    assert (status, answer["code"]) == (401, -2015)
    status, answer = venue.signed(account | {"secret": "other"}, "GET", "/api/v3/account")
    assert (status, answer["code"]) == (400, -1022)
    with pytest.raises(ccxt.AuthenticationError):
        pointed(ccxt.binance, venue, wrong_key).fetch_balance()


def test_a_tampered_request_is_refused(venue: PaperExchange) -> None:
    account = venue.open_account()
    exchange = pointed(ccxt.binance, venue, account)
    signed = exchange.sign("order", ["private"], "POST", {"symbol": "BTCUSDT", "quantity": "0.001"})
    body = signed["body"].replace("0.001", "0.010")
    status, answer = venue.ask("POST", "/api/v3/order", body, signed["headers"])
    assert (status, answer["code"]) == (400, -1022)


@pytest.mark.parametrize(
    ("offset", "window", "code"),
    [(-6000, None, -1021), (-4000, None, None), (-4000, 3000, -1021), (2000, None, -1021), (0, 60001, -1131)],
)
def test_a_request_is_taken_only_inside_its_window(venue: PaperExchange, offset, window, code) -> None:
    params = {"timestamp": int(time.time() * 1000) + offset}
    if window:
        params["recvWindow"] = window
    _, answer = venue.signed(venue.open_account(), "GET", "/api/v3/account", **params)
    assert answer.get("code") == code
    if offset == 2000:
        assert answer["msg"] == "Timestamp for this request was 1000ms ahead of the server's time."


def test_a_late_order_signed_with_its_own_time_is_refused(trader: Trader) -> None:
    late = {"timestamp": int(time.time() * 1000) - 5500, "recvWindow": 5000}
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        trader.ccxt.create_order("BTC/USDT", "market", "buy", 0.001, None, late)
    assert trader.audit() == []


def test_no_more_than_200_orders_rest_on_a_symbol(venue: PaperExchange) -> None:
    account = venue.open_account()
    order = LIMIT | {"symbol": "ETHUSDT", "price": "3000", "quantity": "0.002"}
    for _ in range(200):
        assert venue.signed(account, "POST", "/api/v3/order", **order)[0] == 200
    _, answer = venue.signed(account, "POST", "/api/v3/order", **order)
    assert answer["msg"] == "Filter failure: MAX_NUM_ORDERS"
    assert len(venue.signed(account, "DELETE", "/api/v3/openOrders", symbol="ETHUSDT")[1]) == 200


def test_a_changed_filter_binds_and_is_told(trader: Trader) -> None:
    venue = trader.venue
    venue.post("/control/filters", {"symbol": "ADAUSDT", "stepSize": "10"})
    with pytest.raises(ccxt.InvalidOrder, match="LOT_SIZE"):
        trader.ccxt.create_order("ADA/USDT", "market", "buy", 15.5)
    trader.ccxt.load_markets(True)
    assert trader.ccxt.create_order("ADA/USDT", "market", "buy", 15.5)["filled"] == 10


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        '{"balances": {"USDT": 1.5}}',
        '{"balances": {"USDT": "NaN"}}',
        '{"balances": []}',
        '{"balances": {"usdt": "1"}}',
        '{"count": 0}',
        '{"count": 20001}',
        '{"can_withdraw": 1}',
        '{"api_key": "\\u00e9"}',
        b"\xff\xfe",
        "[" * 100_000,
    ],
)
def test_a_bad_body_opens_no_account(venue: PaperExchange, body: str | bytes) -> None:
    status, answer = venue.ask("POST", "/paper/accounts", body)
    assert (status, list(answer)) == (400, ["error"])


@pytest.mark.parametrize(
    "query",
    ["symbol=%ff%fe", "symbol=BTCUSDT&symbol=ETHUSDT", "symbols=%5B1%5D", "symbols=x", "symbol=%00"],
)
def test_odd_bytes_are_refused_not_crashed_on(venue: PaperExchange, query: str) -> None:
    assert venue.ask("GET", f"/api/v3/exchangeInfo?{query}")[0] == 400
