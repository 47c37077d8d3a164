"""The exchange as one object: symbols, prices, accounts, orders, faults, streams and the journal together."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from . import orders
from .accounts import Account, Accounts, Balance, Transfer
from .amounts import parse, show
from .faults import Faults
from .history import History
from .journal import Journal
from .matching import Engine, Event
from .orders import Fill, Order
from .prices import Prices, candle_prices, symbol_of
from .streams import Streams
from .symbols import listing

RECENT_TRADES = 500


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. `volatility` is a day's deviation (0.03 = 3 %), `candle_seconds` the time one row takes."""

    seed: int = 1
    volatility: float = 0.03
    latency_ms: int = 0
    journal: Path | None = None
    candles: Path | None = None
    candles_symbol: str | None = None
    candle_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class PublicTrade:
    id: int
    price: int
    quantity: int
    at: int
    buyer_is_maker: bool


class Venue:
    """Everything a request can read or change."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.symbols = listing()
        self.accounts = Accounts()
        self.faults = Faults(options.seed)
        self.streams = Streams(self.faults)
        self.prices = Prices(self.symbols, seed=options.seed, volatility=options.volatility)
        self.engine = Engine(
            self.symbols,
            self.accounts,
            self.prices,
            publish=self._publish,
            listens=self.streams.listens,
        )
        self.recent: dict[str, deque[PublicTrade]] = {
            name: deque(maxlen=RECENT_TRADES) for name in self.symbols
        }
        self._histories: dict[str, History] = {}
        self._last_transfer_id = 0
        self.journal: Journal | None = None
        if options.journal is not None:
            journal = Journal(options.journal)
            self._restore(journal)
            self.journal = journal
        if options.candles is not None:
            name = options.candles_symbol or symbol_of(options.candles)
            self.prices.replay(name, candle_prices(options.candles))
            self.history(name)

    def now(self) -> int:
        """The venue's clock in milliseconds; a fault may have set it wrong."""
        skew = self.faults.clock_skew() if self.faults.rules else 0
        return time.time_ns() // 1_000_000 + skew

    def is_halted(self, name: str) -> bool:
        return self.faults.halts(name)

    def history(self, name: str) -> History:
        history = self._histories.get(name)
        if history is None:
            price = self.prices.last[name]
            history = History(self.symbols[name], price, self.now(), self.options.seed)
            history.record(price, self.now(), 0)
            self._histories[name] = history
        return history

    def moved(self, name: str) -> None:
        """A price has changed: resting orders, candles and public trades follow."""
        now = self.now()
        if not self.is_halted(name):
            self.engine.match_resting(name, now)
        price = self.prices.last[name]
        if name in self._histories:
            self._histories[name].record(price, now)
        quantity = self.symbols[name].usual_quantity(price)
        self._print(name, PublicTrade(self.engine.next_trade_id(name), price, quantity, now, now % 2 == 0))

    def take_prices(self, read: Mapping[str, Decimal]) -> None:
        for name in self.prices.take(read):
            self.moved(name)

    def open_account(self, **values: Any) -> Account:
        account = self.accounts.open(**values)
        if self.journal is not None:
            self.journal.write(
                "account",
                api_key=account.api_key,
                secret=account.secret.decode(),
                uid=account.uid,
                can_withdraw=account.can_withdraw,
                is_read_only=account.is_read_only,
                fees_in_bnb=account.fees_in_bnb,
                balances=account.shown(),
            )
        return account

    def transfer(self, account: Account, asset: str, amount: int) -> Transfer:
        """Deposit (positive) or withdraw (negative). Raises -2010 when the free balance is too small."""
        account.require(asset, -amount)
        account.balance(asset).free += amount
        now = account.updated_at = self.now()
        self._last_transfer_id += 1
        transfer = Transfer(self._last_transfer_id, asset, amount, now)
        account.transfers.append(transfer)
        if self.journal is not None:
            balances = account.shown(iter([asset]))
            self.journal.write(
                "transfer", api_key=account.api_key, balances=balances, transfer=asdict(transfer)
            )
        if self.streams.listens(account):
            event = {"e": "balanceUpdate", "E": now, "a": asset, "d": show(amount), "T": now}
            self.streams.tell_user(account, event)
            self.streams.tell_user(account, self._position(account, [asset], now))
        return transfer

    def save_prices(self) -> None:
        if self.journal is not None:
            self.journal.write("prices", last=self.prices.snapshot())

    def close(self) -> None:
        if self.journal is not None:
            self.save_prices()
            self.journal.close()
            self.journal = None

    def _publish(self, account: Account, order: Order, fills: list[Fill], events: list[Event]) -> None:
        symbol = self.symbols[order.symbol]
        assets = [name for name in (symbol.base, symbol.quote, "BNB") if name in account.balances]
        if self.journal is not None:
            self.journal.write(
                "order",
                order=orders.to_record(order),
                balances=account.shown(iter(dict.fromkeys(assets))),
            )
        for event in events:
            self.streams.tell_user(account, event)
        if events and order.status != "REJECTED":
            self.streams.tell_user(account, self._position(account, list(dict.fromkeys(assets)), self.now()))
        for fill in fills:
            buyer_is_maker = fill.maker == (order.side == "BUY")
            self._print(
                order.symbol, PublicTrade(fill.trade_id, fill.price, fill.quantity, fill.at, buyer_is_maker)
            )

    def _position(self, account: Account, assets: list[str], now: int) -> Event:
        balances = [
            {"a": name, "f": free, "l": locked}
            for name, (free, locked) in account.shown(iter(assets)).items()
        ]
        return {"e": "outboundAccountPosition", "E": now, "u": account.updated_at, "B": balances}

    def _print(self, name: str, trade: PublicTrade) -> None:
        self.recent[name].append(trade)
        if self.streams.markets:
            stream = name.lower() + "@trade"
            self.streams.tell_market(stream, trade_event(name, trade))

    def _restore(self, journal: Journal) -> None:
        latest: dict[int, dict[str, Any]] = {}
        for line in journal.read():
            match line["t"]:
                case "account":
                    self._restore_account(line)
                case "balance":
                    # Written before transfers were listed.
                    self._restore_balances(line["api_key"], line["balances"])
                case "transfer":
                    self._restore_balances(line["api_key"], line["balances"])
                    transfer = Transfer(**line["transfer"])
                    self.accounts.get(line["api_key"]).transfers.append(transfer)
                    self._last_transfer_id = max(self._last_transfer_id, transfer.id)
                case "order":
                    latest[line["order"]["sequence"]] = line["order"]
                    self._restore_balances(line["order"]["api_key"], line["balances"])
                case "prices":
                    self.prices.restore(line["last"])
        for _, record in sorted(latest.items()):
            self._restore_order(orders.from_record(record))
        self._sort_trades()

    def _restore_account(self, line: dict[str, Any]) -> None:
        names = ("api_key", "secret", "uid", "can_withdraw", "is_read_only", "fees_in_bnb")
        # Journals are older than some of them.
        self.accounts.open(balances={}, **{name: line[name] for name in names if name in line})
        self._restore_balances(line["api_key"], line["balances"])

    def _restore_balances(self, api_key: str, balances: dict[str, list[str]]) -> None:
        account = self.accounts.get(api_key)
        for asset, (free, locked) in balances.items():
            account.balances[asset] = Balance(parse(free), parse(locked))

    def _restore_order(self, order: Order) -> None:
        account = self.accounts.get(order.api_key)
        account.keep(order)
        for fill in order.fills:
            account.add_trade(order, fill)
        account.updated_at = max(account.updated_at, order.updated_at)
        self.engine.restore(order)

    def _sort_trades(self) -> None:
        """Fills of resting orders are younger than those of orders that came after them."""
        for account in self.accounts:
            for trades in account.trades.values():
                trades.sort(key=lambda pair: pair[1].trade_id)


def trade_event(name: str, trade: PublicTrade) -> dict[str, Any]:
    return {
        "e": "trade",
        "E": trade.at,
        "s": name,
        "t": trade.id,
        "p": show(trade.price),
        "q": show(trade.quantity),
        "T": trade.at,
        "m": trade.buyer_is_maker,
        "M": True,
    }
