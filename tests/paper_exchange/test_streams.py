"""What ccxt.pro sees: a user's own events, market data, and the faults of a stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import ccxt.pro
import pytest

from tests.paper_exchange.venue_process import PaperExchange, Trader

SOON = 3


def watch(trader: Trader, work) -> Any:
    return trader.run(work, ccxt.pro.binance)


@asynccontextmanager
async def listening(exchange: ccxt.pro.binance, *watches) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """The tasks of these watch calls, once the user stream is subscribed."""
    tasks = [asyncio.create_task(each()) for each in watches]
    url = exchange.urls["api"]["ws"]["ws-api"]["spot"]
    while not (url in exchange.clients and "spot" in exchange.clients[url].subscriptions):
        await asyncio.sleep(0.01)
    await exchange.ensure_user_data_stream_ws_subscribe_signature("spot")
    await asyncio.sleep(0.1)
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def buy(exchange, symbol="ETH/USDT", amount=0.1, **params):
    return await exchange.create_order(symbol, "market", "buy", amount, None, params)


def test_a_fill_is_told_with_the_ids_of_the_answer(trader: Trader) -> None:
    async def work(exchange):
        async with listening(exchange, exchange.watch_my_trades, exchange.watch_balance) as (trades, balance):
            order = await buy(exchange)
            return order, (await asyncio.wait_for(trades, SOON))[0], await asyncio.wait_for(balance, SOON)

    order, trade, balance = watch(trader, work)
    assert (trade["id"], trade["order"]) == (str(order["info"]["fills"][0]["tradeId"]), order["id"])
    assert (trade["fee"]["currency"], trade["symbol"]) == ("ETH", "ETH/USDT")
    assert balance["ETH"]["free"] == 0.0999


def test_an_order_is_told_from_new_to_canceled(trader: Trader) -> None:
    async def work(exchange):
        seen: list[str] = []

        async def collect():
            while True:
                seen.extend(order["info"]["x"] for order in await exchange.watch_orders())

        async with listening(exchange, collect):
            params = {"clientOrderId": "c-mine"}
            order = await exchange.create_order("ETH/USDT", "limit", "buy", 0.1, 3000, params)
            await exchange.cancel_order(order["id"], "ETH/USDT")
            await asyncio.sleep(0.2)
            return seen, exchange.orders[-1]

    seen, last = watch(trader, work)
    assert seen == ["NEW", "CANCELED"]
    assert (last["clientOrderId"], last["status"]) == ("c-mine", "canceled")


def test_each_level_of_a_sweep_is_an_event(venue: PaperExchange, trader: Trader) -> None:
    venue.post("/control/deposit", {"key": trader.key, "asset": "USDT", "amount": "900000"})

    async def work(exchange):
        async with listening(exchange, exchange.watch_my_trades):
            order = await buy(exchange, "BTC/USDT", 3)
            await asyncio.sleep(0.2)
            return order, list(exchange.myTrades)

    order, trades = watch(trader, work)
    assert [trade["id"] for trade in trades] == [str(fill["tradeId"]) for fill in order["info"]["fills"]]
    assert len(trades) > 2


def test_deposits_and_withdrawals_are_told(trader: Trader) -> None:
    async def work(exchange):
        async with listening(exchange, exchange.watch_balance) as (balance,):
            await asyncio.to_thread(
                trader.venue.post, "/control/withdraw", {"key": trader.key, "asset": "USDT", "amount": "1000"}
            )
            return await asyncio.wait_for(balance, SOON)

    watch(trader, work)
    assert trader.ccxt.fetch_balance()["USDT"]["free"] == 9000
    status, _ = trader.venue.ask(
        "POST", "/control/withdraw", {"key": trader.key, "asset": "USDT", "amount": "9001"}
    )
    assert status == 400


def test_a_wrong_secret_is_refused_a_stream(trader: Trader) -> None:
    async def work(exchange):
        exchange.secret = "other"
        # ccxt 4.5.90 deletes its subscription twice, so the refusal arrives as the context of a KeyError.
        with pytest.raises((ccxt.AuthenticationError, KeyError)) as caught:
            await asyncio.wait_for(exchange.watch_my_trades(), SOON)
        refusal = caught.value if isinstance(caught.value, ccxt.BaseError) else caught.value.__context__
        assert isinstance(refusal, ccxt.AuthenticationError)
        assert "-1022" in str(refusal)

    watch(trader, work)


def test_market_data_are_streamed(trader: Trader) -> None:
    async def work(exchange):
        waits = [
            exchange.watch_ticker("BTC/USDT"),
            exchange.watch_tickers(),
            exchange.watch_bids_asks(["BTC/USDT"]),
            exchange.watch_trades("BTC/USDT"),
            exchange.watch_ohlcv("BTC/USDT", "1m"),
        ]
        tasks = [asyncio.create_task(asyncio.wait_for(each, SOON)) for each in waits]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(trader.venue.post, "/control/price", {"symbol": "BTCUSDT", "frozen": False})
        try:
            return await asyncio.gather(*tasks)
        finally:
            await asyncio.to_thread(
                trader.venue.post, "/control/price", {"symbol": "BTCUSDT", "frozen": True}
            )

    ticker, tickers, quotes, trades, candles = watch(trader, work)
    assert ticker["symbol"] == "BTC/USDT"
    assert len(tickers) == len(trader.ccxt.markets)
    assert quotes["BTC/USDT"]["bid"] < quotes["BTC/USDT"]["ask"]
    assert trades[-1]["amount"] > 0
    assert len(candles[-1]) == 6


def test_a_silent_stream_stays_open_and_tells_nothing(trader: Trader) -> None:
    async def work(exchange):
        async with listening(exchange, exchange.watch_my_trades) as (trades,):
            await asyncio.to_thread(trader.venue.fault, "stream_silence", key=trader.key)
            await buy(exchange)
            await asyncio.sleep(0.3)
            assert not trades.done()
            await asyncio.to_thread(trader.venue.ask, "DELETE", "/control/faults")
            second = await buy(exchange)
            assert (await asyncio.wait_for(trades, SOON))[-1]["order"] == second["id"]

    watch(trader, work)


def test_a_duplicated_stream_tells_each_event_twice(trader: Trader) -> None:
    async def work(exchange):
        count = 0
        handle = exchange.handle_my_trade

        def counting(client, message):
            nonlocal count
            count += message["x"] == "TRADE"
            handle(client, message)

        exchange.handle_my_trade = counting
        async with listening(exchange, exchange.watch_my_trades) as (trades,):
            await asyncio.to_thread(trader.venue.fault, "stream_duplicate", key=trader.key)
            await buy(exchange)
            await asyncio.wait_for(trades, SOON)
            await asyncio.sleep(0.1)
            return count

    assert watch(trader, work) == 2


def test_a_delayed_stream_tells_after_the_answer(trader: Trader) -> None:
    async def work(exchange):
        async with listening(exchange, exchange.watch_my_trades) as (trades,):
            await asyncio.to_thread(trader.venue.fault, "stream_delay", key=trader.key, ms=300)
            order = await buy(exchange)
            assert not trades.done()
            assert (await asyncio.wait_for(trades, SOON))[0]["order"] == order["id"]

    watch(trader, work)


def test_a_disconnected_stream_can_be_opened_again(trader: Trader) -> None:
    async def work(exchange):
        async with listening(exchange, exchange.watch_my_trades) as (trades,):
            await asyncio.to_thread(trader.venue.fault, "stream_disconnect", key=trader.key)
            with pytest.raises(ccxt.NetworkError):
                await asyncio.wait_for(trades, SOON)
        async with listening(exchange, exchange.watch_my_trades) as (trades,):
            order = await buy(exchange)
            assert (await asyncio.wait_for(trades, SOON))[-1]["order"] == order["id"]

    watch(trader, work)


def test_nobody_hears_of_another_accounts_orders(trader: Trader) -> None:
    other = trader.venue.open_account()

    async def work(exchange):
        async with listening(exchange, exchange.watch_orders) as (orders,):
            status, _ = await asyncio.to_thread(
                trader.venue.signed, other, "POST", "/api/v3/order",
                symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.1",
            )  # fmt: skip
            assert status == 200
            await asyncio.sleep(0.2)
            assert not orders.done()

    watch(trader, work)
