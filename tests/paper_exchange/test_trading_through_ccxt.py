"""What unmodified ccxt can do on the paper exchange."""

from decimal import Decimal

import ccxt
import ccxt.async_support
import pytest

from tests.paper_exchange.venue_process import PaperExchange, Trader, pointed


def test_the_market_table_has_the_filters_ccxt_reads(trader: Trader) -> None:
    markets = trader.ccxt.markets
    assert len(markets) >= 20
    assert markets["BTC/USDT"]["precision"]["amount"] == 0.00001
    assert markets["BTC/USDT"]["precision"]["price"] == 0.01
    assert markets["BTC/USDT"]["limits"]["cost"]["min"] == 5
    assert markets["BTC/USDT"]["limits"]["market"]["max"] == 120
    shib = markets["SHIB/USDT"]["precision"]
    assert (shib["amount"], shib["price"]) == (1.0, 1e-8)
    assert {"ETH/BTC", "LTC/BTC", "XRP/ETH"} <= markets.keys()


def test_a_market_buy_answers_its_fills_and_takes_the_fee_in_the_coin_received(trader: Trader) -> None:
    order = trader.ccxt.create_order("BTC/USDT", "market", "buy", 0.01)
    assert (order["status"], order["filled"]) == ("closed", 0.01)
    fills = order["info"]["fills"]
    assert sum(Decimal(fill["qty"]) for fill in fills) == Decimal("0.01")
    assert {fill["commissionAsset"] for fill in fills} == {"BTC"}
    cost = sum(Decimal(fill["qty"]) * Decimal(fill["price"]) for fill in fills)
    balances = {each["asset"]: each["free"] for each in trader.ccxt.fetch_balance()["info"]["balances"]}
    assert Decimal(balances["BTC"]) == Decimal("0.00999")
    assert Decimal(balances["USDT"]) == 10000 - cost
    assert trader.ccxt.fetch_my_trades("BTC/USDT")[0]["id"] == str(fills[0]["tradeId"])


def test_a_sell_pays_its_fee_in_the_quote(venue: PaperExchange) -> None:
    account = venue.open_account(balances={"ETH": "2"})
    order = pointed(ccxt.binance, venue, account).create_order("ETH/USDT", "market", "sell", 1)
    assert order["fees"][0]["currency"] == "USDT"
    assert Decimal(str(order["fees"][0]["cost"])) == Decimal(str(order["cost"])) / 1000


def test_an_account_that_pays_in_bnb_gets_a_quarter_off_until_its_bnb_is_gone(venue: PaperExchange) -> None:
    account = venue.open_account(balances={"USDT": "10000", "BNB": "0.002"}, fees_in_bnb=True)
    exchange = pointed(ccxt.binance, venue, account)
    first = exchange.create_order("ETH/USDT", "market", "buy", 0.25)
    second = exchange.create_order("ETH/USDT", "market", "buy", 0.25)
    assert first["fees"][0]["currency"] == "BNB"
    # 0.00025 ETH × 4000 × 3/4 ÷ 500
    assert Decimal(str(first["fees"][0]["cost"])) == Decimal("0.0015")
    assert second["fees"][0]["currency"] == "ETH"


def test_a_quote_amount_buys_whole_lot_steps_of_it(trader: Trader) -> None:
    order = trader.ccxt.create_market_order_with_cost("BTC/USDT", "buy", 500)
    assert order["status"] == "closed"
    assert 499 < order["cost"] <= 500
    assert Decimal(order["info"]["executedQty"]) % Decimal("0.00001") == 0


def test_a_large_order_walks_the_book(venue: PaperExchange) -> None:
    account = venue.open_account(balances={"USDT": "5000000"})
    order = pointed(ccxt.binance, venue, account).create_order("BTC/USDT", "market", "buy", 5)
    prices = [Decimal(fill["price"]) for fill in order["info"]["fills"]]
    assert len(prices) > 3
    assert prices == sorted(set(prices))
    assert len({fill["tradeId"] for fill in order["info"]["fills"]}) == len(prices)


def test_a_market_order_larger_than_the_book_expires_with_the_rest(venue: PaperExchange) -> None:
    account = venue.open_account(balances={"USDT": "20000000"})
    order = pointed(ccxt.binance, venue, account).create_order("BTC/USDT", "market", "buy", 110)
    assert order["info"]["status"] == "EXPIRED"
    assert 0 < order["filled"] < 110


def test_a_limit_order_rests_and_fills_as_maker_when_the_price_reaches_it(trader: Trader) -> None:
    order = trader.ccxt.create_order("BTC/USDT", "limit", "buy", 0.01, 99000)
    assert order["status"] == "open"
    assert trader.ccxt.fetch_balance()["USDT"] == {"free": 9010.0, "used": 990.0, "total": 10000.0}
    assert [each["id"] for each in trader.ccxt.fetch_open_orders("BTC/USDT")] == [order["id"]]
    trader.venue.set_price("BTCUSDT", "98000")
    assert trader.ccxt.fetch_order(order["id"], "BTC/USDT")["status"] == "closed"
    trade = trader.ccxt.fetch_my_trades("BTC/USDT")[0]
    assert (trade["price"], trade["takerOrMaker"]) == (99000, "maker")
    assert trader.ccxt.fetch_balance()["USDT"] == {"free": 9010.0, "used": 0.0, "total": 9010.0}


def test_a_cancel_frees_the_money_and_cannot_be_repeated(trader: Trader) -> None:
    order = trader.ccxt.create_order("ETH/USDT", "limit", "buy", 1, 3900)
    assert trader.ccxt.cancel_order(order["id"], "ETH/USDT")["status"] == "canceled"
    assert trader.ccxt.fetch_balance()["USDT"]["free"] == 10000
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        trader.ccxt.cancel_order(order["id"], "ETH/USDT")


def test_an_ioc_takes_what_its_limit_allows_and_expires(venue: PaperExchange) -> None:
    exchange = pointed(ccxt.binance, venue, venue.open_account(balances={"USDT": "900000"}))
    best = exchange.fetch_order_book("BTC/USDT")["asks"][0]
    params = {"timeInForce": "IOC"}
    order = exchange.create_order("BTC/USDT", "limit", "buy", 5, best[0], params)
    assert (order["info"]["status"], order["filled"]) == ("EXPIRED", best[1])
    assert exchange.fetch_balance()["USDT"]["used"] == 0
    nothing = exchange.create_order("BTC/USDT", "limit", "buy", 5, 99000, params)
    assert (nothing["info"]["status"], nothing["filled"]) == ("EXPIRED", 0)


def test_fill_or_kill_fills_all_or_nothing(venue: PaperExchange) -> None:
    exchange = pointed(ccxt.binance, venue, venue.open_account(balances={"USDT": "900000"}))
    best = exchange.fetch_order_book("BTC/USDT")["asks"][0][0]
    killed = exchange.create_order("BTC/USDT", "limit", "buy", 5, best, {"timeInForce": "FOK"})
    filled = exchange.create_order("BTC/USDT", "limit", "buy", 0.001, best, {"timeInForce": "FOK"})
    assert (killed["filled"], filled["filled"]) == (0, 0.001)


def test_a_post_only_order_that_would_take_is_refused(trader: Trader) -> None:
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        trader.ccxt.create_order("BTC/USDT", "limit", "buy", 0.01, 101000, {"postOnly": True})
    order = trader.ccxt.create_order("BTC/USDT", "limit", "buy", 0.01, 99000, {"postOnly": True})
    assert order["info"]["type"] == "LIMIT_MAKER"


def test_a_client_id_is_unique_among_open_orders_only(trader: Trader) -> None:
    params = {"clientOrderId": "c12345678901234567"}
    resting = trader.ccxt.create_order("BTC/USDT", "limit", "buy", 0.001, 99000, params)
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        trader.ccxt.create_order("BTC/USDT", "limit", "buy", 0.001, 99000, params)
    trader.ccxt.cancel_order(resting["id"], "BTC/USDT")
    first = trader.ccxt.create_order("BTC/USDT", "market", "buy", 0.001, None, params)
    second = trader.ccxt.create_order("BTC/USDT", "market", "buy", 0.001, None, params)
    assert first["id"] != second["id"]
    assert trader.ccxt.fetch_order(None, "BTC/USDT", params)["id"] == second["id"]
    assert [each["clientOrderId"] for each in trader.audit()] == ["c12345678901234567"] * 3


def test_orders_and_trades_are_numbered_per_symbol(trader: Trader) -> None:
    for symbol in ("NEAR/USDT", "FIL/USDT"):
        trader.ccxt.create_order(symbol, "market", "buy", 10)
        assert trader.ccxt.fetch_my_trades(symbol)[0]["order"] == "1"


def test_trades_can_be_paged_by_id_and_by_a_day(trader: Trader) -> None:
    for _ in range(3):
        trader.ccxt.create_order("ETH/USDT", "market", "buy", 0.01)
    trades = trader.ccxt.fetch_my_trades("ETH/USDT")
    later = trader.ccxt.fetch_my_trades("ETH/USDT", None, 1, {"fromId": trades[1]["id"]})
    assert [trade["id"] for trade in later] == [trades[1]["id"]]
    assert trader.ccxt.fetch_my_trades("ETH/USDT", trades[0]["timestamp"])[0]["id"] == trades[0]["id"]
    assert trader.ccxt.fetch_my_trades("ETH/USDT", trades[0]["timestamp"] - 2 * 86_400_000) == []
    with pytest.raises(ccxt.BadRequest, match="-1127"):
        now = trades[0]["timestamp"]
        trader.ccxt.fetch_my_trades("ETH/USDT", now - 90_000_000, None, {"endTime": now})


def test_public_data_agree_with_each_other(trader: Trader) -> None:
    ticker = trader.ccxt.fetch_ticker("BTC/USDT")
    book = trader.ccxt.fetch_order_book("BTC/USDT", 5)
    assert ticker["last"] == 100000
    assert (ticker["bid"], ticker["ask"]) == (book["bids"][0][0], book["asks"][0][0])
    assert book["bids"][0][0] < 100000 < book["asks"][0][0]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    candles = trader.ccxt.fetch_ohlcv("BTC/USDT", "1h", limit=20)
    assert len(candles) == 20
    assert all(
        low <= min(opened, closed) <= max(opened, closed) <= high
        for _, opened, high, low, closed, _ in candles
    )
    assert len(trader.ccxt.fetch_tickers()) == len(trader.ccxt.markets)


def test_whether_a_key_may_withdraw_is_told(venue: PaperExchange) -> None:
    for may in (True, False):
        exchange = pointed(ccxt.binance, venue, venue.open_account(can_withdraw=may))
        assert exchange.sapi_get_account_apirestrictions()["enableWithdrawals"] is may


def test_the_async_class_trades_too(trader: Trader) -> None:
    async def trade(exchange: ccxt.async_support.binance):
        order = await exchange.create_order("ETH/USDT", "market", "buy", 0.1)
        return await exchange.fetch_order(order["id"], "ETH/USDT")

    assert trader.run(trade)["filled"] == 0.1


def test_many_accounts_are_opened_at_once(venue: PaperExchange) -> None:
    accounts = venue.post("/paper/accounts", {"balances": {"USDT": "5"}, "count": 1000})
    assert len({account["api_key"] for account in accounts}) == 1000
    assert len({account["uid"] for account in accounts}) == 1000


def test_deposits_and_withdrawals_are_listed(trader: Trader) -> None:
    venue, key = trader.venue, trader.key
    for way, asset, amount in (
        ("deposit", "XRP", "7"),
        ("withdraw", "USDT", "250.5"),
        ("deposit", "XRP", "1"),
    ):
        venue.post(f"/control/{way}", {"key": key, "asset": asset, "amount": amount})
    deposits, withdrawals = trader.ccxt.fetch_deposits(), trader.ccxt.fetch_withdrawals()

    assert [(one["currency"], one["amount"], one["status"]) for one in deposits] == [
        ("XRP", 7.0, "ok"),
        ("XRP", 1.0, "ok"),
    ]
    (withdrawal,) = withdrawals
    assert (withdrawal["currency"], withdrawal["amount"], withdrawal["status"]) == ("USDT", 250.5, "ok")
    assert len({one["id"] for one in deposits}) == 2
    later = deposits[-1]["timestamp"] + 60_000
    assert trader.ccxt.fetch_deposits(since=later) == []


def test_transfers_of_more_than_ninety_days_are_refused_as_one_question(trader: Trader) -> None:
    now = trader.ccxt.milliseconds()
    for path in ("deposit/hisrec", "withdraw/history"):
        status, answer = trader.venue.signed(
            trader.account, "GET", f"/sapi/v1/capital/{path}", startTime=now - 91 * 86_400_000, endTime=now
        )
        assert (status, answer["code"]) == (400, -1127)
