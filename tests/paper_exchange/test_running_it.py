"""The process: its prices, its memory over restarts, its end."""

import asyncio
import socket
from decimal import Decimal
from pathlib import Path

import ccxt
import pytest
from django.core.management import CommandError, call_command

from paper_exchange.__main__ import main
from paper_exchange.prices import Prices, candle_prices, follow
from paper_exchange.server import create_app, listen
from paper_exchange.symbols import listing
from paper_exchange.venue import Options
from tests.paper_exchange.venue_process import Address, PaperExchange, Trader, pointed


def test_it_stops_cleanly_with_sockets_open() -> None:
    venue = PaperExchange()
    host, port = venue.host.split(":")
    with socket.create_connection((host, int(port))):
        assert venue.stop() == 0


def test_keys_balances_transfers_orders_and_trades_survive_being_killed(tmp_path: Path) -> None:
    journal = tmp_path / "paper.jsonl"
    venue = PaperExchange("--journal", str(journal))
    account = venue.open_account()
    before = pointed(ccxt.binance, venue, account)
    venue.post("/control/price", {"frozen": True})
    filled = before.create_order("ETH/USDT", "market", "buy", 0.5)
    resting = before.create_order("ETH/USDT", "limit", "buy", 0.5, 3000, {"clientOrderId": "c-rests"})
    gone = before.create_order("ETH/USDT", "limit", "buy", 0.5, 3000)
    before.cancel_order(gone["id"], "ETH/USDT")
    venue.post("/control/deposit", {"key": account["api_key"], "asset": "XRP", "amount": "7"})
    balance, trades, audit = (
        before.fetch_balance(),
        before.fetch_my_trades("ETH/USDT"),
        venue.audit(account["api_key"]),
    )
    venue.kill()
    with journal.open("ab") as file:
        file.write(b'{"t":"order","order":{"sequ')

    again = PaperExchange("--journal", str(journal))
    after = pointed(ccxt.binance, again, account)
    try:
        assert after.fetch_balance()["total"] == balance["total"]
        assert after.fetch_balance()["USDT"] == balance["USDT"]
        assert [trade["id"] for trade in after.fetch_my_trades("ETH/USDT")] == [
            trade["id"] for trade in trades
        ]
        assert again.audit(account["api_key"]) == audit
        assert [deposit["amount"] for deposit in after.fetch_deposits()] == [7]
        assert after.fetch_order(filled["id"], "ETH/USDT")["status"] == "closed"
        with pytest.raises(ccxt.InvalidOrder, match="Duplicate"):
            after.create_order("ETH/USDT", "limit", "buy", 0.5, 3000, {"clientOrderId": "c-rests"})
        again.set_price("ETHUSDT", "2900")
        assert after.fetch_order(resting["id"], "ETH/USDT")["status"] == "closed"
        assert after.fetch_balance()["USDT"]["used"] == 0
        assert int(after.create_order("ETH/USDT", "market", "buy", 0.1)["id"]) == int(gone["id"]) + 1
    finally:
        again.stop()


def test_a_third_start_reads_what_the_second_wrote(tmp_path: Path) -> None:
    arguments = ("--journal", str(tmp_path / "paper.jsonl"))
    venue = PaperExchange(*arguments)
    account = venue.open_account()
    venue.stop()
    for expected in (9000, 8000):
        venue = PaperExchange(*arguments)
        body = {"key": account["api_key"], "asset": "USDT", "amount": "1000"}
        assert Decimal(venue.post("/control/withdraw", body)["balance"][0]) == expected
        venue.stop()


def test_the_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    journal = tmp_path / "paper.jsonl"
    create_app(Options(journal=journal)).close()
    assert journal.stat().st_mode & 0o077 == 0


def test_the_same_seed_walks_the_same_way() -> None:
    walks = []
    for seed in (7, 7, 8):
        prices = Prices(listing(), seed=seed, volatility=0.03)
        for _ in range(50):
            prices.step()
        walks.append(prices.snapshot())
    assert walks[0] == walks[1] != walks[2]


def test_a_walk_keeps_to_ticks_and_crosses_follow_their_legs() -> None:
    symbols = listing()
    prices = Prices(symbols, seed=3, volatility=0.5)
    for _ in range(500):
        prices.step()
    assert all(price > 0 and price % symbols[name].tick == 0 for name, price in prices.last.items())
    cross = Decimal(prices.last["ETHBTC"]) / 10**8
    legs = Decimal(prices.last["ETHUSDT"]) / Decimal(prices.last["BTCUSDT"])
    assert abs(cross - legs) <= Decimal("0.00001")


def test_candles_are_replayed_and_the_last_price_stays(tmp_path: Path) -> None:
    file = tmp_path / "ETH-BTC-5m.csv"
    file.write_text(
        "date,open,high,low,close,volume\n"
        "2018-01-23T04:55:00Z,0.09194,0.09217,0.09190,0.09200,98.7\n"
        "2018-01-23T05:00:00Z,0.09200,0.09210,0.09100,0.09110,82.5\n"
    )
    assert [price / 10**8 for price in candle_prices(file)] == [
        0.09194, 0.0919, 0.09217, 0.092, 0.092, 0.0921, 0.091, 0.0911,
    ]  # fmt: skip
    venue = PaperExchange("--candles", str(file), "--candle-seconds", "0.02")
    try:
        seen = ""
        while seen != "0.09110000":
            seen = venue.ask("GET", "/api/v3/ticker/price?symbol=ETHBTC")[1]["price"]
    finally:
        venue.stop()


def test_a_file_for_no_symbol_is_refused_with_a_sentence(tmp_path: Path, capsys) -> None:
    file = tmp_path / "what-is-this.csv"
    file.write_text("date,open,high,low,close,volume\n")
    with pytest.raises(SystemExit):
        main(["--port", "0", "--candles", str(file)])
    assert "no symbol is called whatis" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("what-is-this.csv", "no symbol is called whatis; --candles-symbol names one"),
        ("ETH-BTC-5m.csv", "ETH-BTC-5m.csv: No such file"),
    ],
)
def test_the_command_says_what_is_wrong_with_the_candles(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "what-is-this.csv").write_text("date,open,high,low,close,volume\n")
    with pytest.raises(CommandError, match=told):
        call_command("paper_exchange", "--port", "0", "--candles", str(tmp_path / name))


def test_another_venues_prices_are_followed_and_a_failed_reading_keeps_the_last() -> None:
    readings = iter(
        [{"BTC/USDT": Decimal("50000"), "NOPE/USDT": Decimal(1)}, None, {"BTCUSDT": Decimal("51000")}]
    )
    prices = Prices(listing(), seed=1, volatility=0.03)
    seen = []

    async def read():
        reading = next(readings)
        if reading is None:
            raise OSError("the other venue is away")
        return reading

    async def run() -> None:
        def apply(read_prices) -> None:
            prices.take(read_prices)
            prices.step()
            seen.append(prices.snapshot()["BTCUSDT"])

        task = asyncio.create_task(follow(read, apply, 0.01))
        while len(seen) < 2:
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(run())
    assert seen == ["50000.00000000", "51000.00000000"]


def test_it_can_be_embedded() -> None:
    async def run() -> float:
        venue = create_app(Options(seed=2))
        account = venue.open_account(balances={"USDT": 100 * 10**8})
        async with listen(venue, host="127.0.0.1", port=0) as address:
            keys = {"api_key": account.api_key, "secret": account.secret.decode()}
            exchange = pointed(ccxt.binance, Address(address), keys)
            return float((await asyncio.to_thread(exchange.fetch_balance))["USDT"]["free"])

    assert asyncio.run(run()) == 100


def test_a_global_latency_delays_every_answer() -> None:
    venue = PaperExchange("--latency", "60")
    try:
        exchange = pointed(ccxt.binance, venue, venue.open_account())
        before = exchange.milliseconds()
        exchange.fetch_balance()
        assert exchange.milliseconds() - before >= 60
    finally:
        venue.stop()


def test_balances_only_ever_change_by_trades_and_fees(trader: Trader) -> None:
    exchange = trader.ccxt
    for side, amount in (("buy", 0.7), ("sell", 0.3), ("buy", 0.25), ("sell", 0.2)):
        exchange.create_order("ETH/USDT", "market", side, amount)
    expected = {"USDT": Decimal(10000), "ETH": Decimal(0)}
    for trade in (each["info"] for each in exchange.fetch_my_trades("ETH/USDT")):
        sign = 1 if trade["isBuyer"] else -1
        expected["ETH"] += sign * Decimal(trade["qty"])
        expected["USDT"] -= sign * Decimal(trade["quoteQty"])
        expected[trade["commissionAsset"]] -= Decimal(trade["commission"])
    held = {each["asset"]: Decimal(each["free"]) for each in exchange.fetch_balance()["info"]["balances"]}
    assert held == expected
