"""Accepting, filling, resting and cancelling orders against the synthetic book."""

import heapq
from collections.abc import Callable, Mapping
from typing import Any

from . import answers, filters, orders
from .accounts import Account, Accounts
from .amounts import UNIT, multiply
from .book import Book, Level
from .fees import charge
from .orders import Fill, Order
from .prices import Prices
from .symbols import MAX_OPEN_ORDERS, Symbol
from .tickets import Ticket

Event = dict[str, Any]
Publish = Callable[[Account, Order, list[Fill], list[Event]], None]
Listens = Callable[[Account], bool]


class Engine:
    """All orders of all accounts.

    `publish` is called once per change, after balances and order are final, with the stream's events of that
    change, which are made only for accounts that listen.
    """

    def __init__(
        self,
        symbols: Mapping[str, Symbol],
        accounts: Accounts,
        prices: Prices,
        *,
        publish: Publish,
        listens: Listens,
    ) -> None:
        self.symbols = symbols
        self.accounts = accounts
        self.prices = prices
        self.publish = publish
        self.listens = listens
        self.accepted: list[Order] = []
        self._order_ids = dict.fromkeys(symbols, 0)
        self._trade_ids = dict.fromkeys(symbols, 0)
        self._books: dict[str, Book] = {}
        self._bids: dict[str, list[tuple[int, int, Order]]] = {name: [] for name in symbols}
        self._asks: dict[str, list[tuple[int, int, Order]]] = {name: [] for name in symbols}

    def book(self, name: str) -> Book:
        price = self.prices.last[name]
        book = self._books.get(name)
        if book is None or book.price != price:
            book = self._books[name] = Book(self.symbols[name], price)
        return book

    def forget_book(self, name: str) -> None:
        """A filter changed: levels are built anew."""
        self._books.pop(name, None)

    def next_trade_id(self, name: str) -> int:
        self._trade_ids[name] += 1
        return self._trade_ids[name]

    def place(self, account: Account, ticket: Ticket, now: int, fraction: tuple[int, int] = (1, 1)) -> Order:
        """Accept an order and fill what the book offers, at most `fraction` of it. Raises refusals."""
        symbol = ticket.symbol
        filters.check(ticket, self.prices.last[symbol.name])
        self._check_open_orders(account, ticket)
        takes = self._takes(ticket)
        wanted = ticket.quantity or self._bought_for(ticket, takes)
        takes = _allowed(takes, wanted, ticket, fraction)
        self._hold(account, ticket, takes)
        order = self._accept(account, ticket, wanted, now)
        events = self._events(account, order, "NEW", now)
        for price, quantity in takes:
            fill = self._fill(account, order, price, quantity, now, maker=False)
            events += self._events(account, order, "TRADE", now, fill=fill)
        if order.is_open and (ticket.type == "MARKET" or ticket.time_in_force != "GTC"):
            self._finish(account, order, "EXPIRED", now)
            events += self._events(account, order, "EXPIRED", now)
        elif order.is_open:
            self._rest(order)
        account.settle(order)
        self.publish(account, order, order.fills, events)
        return order

    def place_rejected(self, account: Account, ticket: Ticket, now: int) -> Order:
        """Take the order and refuse it with status REJECTED (a fault on request)."""
        order = self._accept(account, ticket, ticket.quantity, now)
        order.status = "REJECTED"
        account.settle(order)
        self.publish(account, order, [], self._events(account, order, "REJECTED", now))
        return order

    def cancel(self, account: Account, order: Order, now: int, cancel_id: str) -> None:
        self._finish(account, order, "CANCELED", now)
        account.settle(order)
        self.publish(account, order, [], self._events(account, order, "CANCELED", now, cancel_id=cancel_id))

    def match_resting(self, name: str, now: int) -> None:
        """Fill resting orders which the price has reached, at their own price."""
        for side, heap in (("BUY", self._bids[name]), ("SELL", self._asks[name])):
            while heap:
                order = heap[0][2]
                if order.is_open and not self._fill_resting(side, order, now):
                    break
                if not order.is_open:
                    heapq.heappop(heap)

    def _fill_resting(self, side: str, order: Order, now: int) -> bool:
        """True when the order is filled to its end."""
        takes = self.book(order.symbol).takes(side, order.remaining, order.price)
        quantity = sum(part for _, part in takes)
        account = self.accounts.find(order.api_key)
        if not quantity or account is None:
            return False
        fill = self._fill(account, order, order.price, quantity, now, maker=True)
        account.settle(order)
        self.publish(account, order, [fill], self._events(account, order, "TRADE", now, fill=fill))
        return not order.is_open

    def restore(self, order: Order) -> None:
        """Take back an order from the journal; they come in the order of their sequence."""
        self._order_ids[order.symbol] = max(self._order_ids[order.symbol], order.order_id)
        last_trade = max((fill.trade_id for fill in order.fills), default=0)
        self._trade_ids[order.symbol] = max(self._trade_ids[order.symbol], last_trade)
        self.accepted.append(order)
        if order.is_open:
            self._rest(order)

    def _check_open_orders(self, account: Account, ticket: Ticket) -> None:
        name = ticket.symbol.name
        earlier = account.by_client_id.get((name, ticket.client_order_id))
        if earlier is not None and earlier.is_open:
            raise answers.rejected("Duplicate order sent.")
        if len(account.open_orders) >= MAX_OPEN_ORDERS:
            here = sum(1 for symbol, _ in account.open_orders if symbol == name)
            if here >= MAX_OPEN_ORDERS:
                raise answers.filter_failure("MAX_NUM_ORDERS")
        if ticket.type == "LIMIT_MAKER" and self.book(name).crosses(ticket.side, ticket.price):
            raise answers.rejected("Order would immediately match and take.")

    def _takes(self, ticket: Ticket) -> list[Level]:
        book = self.book(ticket.symbol.name)
        if not ticket.quote_quantity:
            return book.takes(ticket.side, ticket.quantity, ticket.price or None)
        takes = book.takes_for_quote(ticket.side, ticket.quote_quantity)
        if not takes:
            raise answers.rejected("Order book liquidity is less than LOT_SIZE filter minimum quantity.")
        return takes

    def _bought_for(self, ticket: Ticket, takes: list[Level]) -> int:
        """What a quote amount stands for: what the book gives, and where it ran dry the rest at its end."""
        symbol = ticket.symbol
        left = ticket.quote_quantity - sum(multiply(quantity, price) for price, quantity in takes)
        ran_dry = len(takes) == len(self.book(symbol.name).levels(ticket.side))
        rest = left * UNIT // takes[-1][0] // symbol.step * symbol.step if ran_dry else 0
        return rest + sum(quantity for _, quantity in takes)

    def _hold(self, account: Account, ticket: Ticket, takes: list[Level]) -> None:
        if ticket.side == "SELL":
            quantity = ticket.quantity or sum(quantity for _, quantity in takes)
            account.require(ticket.symbol.base, quantity)
        elif ticket.price:
            account.require(ticket.symbol.quote, multiply(ticket.quantity, ticket.price))
        else:
            cost = sum(multiply(quantity, price) for price, quantity in takes)
            account.require(ticket.symbol.quote, ticket.quote_quantity or cost)

    def _accept(self, account: Account, ticket: Ticket, wanted: int, now: int) -> Order:
        name = ticket.symbol.name
        self._order_ids[name] += 1
        order = Order(
            sequence=len(self.accepted) + 1,
            api_key=account.api_key,
            uid=account.uid,
            symbol=name,
            order_id=self._order_ids[name],
            client_order_id=ticket.client_order_id,
            side=ticket.side,
            type=ticket.type,
            time_in_force=ticket.time_in_force,
            quantity=wanted,
            price=ticket.price,
            quote_quantity=ticket.quote_quantity,
            created_at=now,
            updated_at=now,
        )
        self.accepted.append(order)
        account.keep(order)
        return order

    def _fill(
        self, account: Account, order: Order, price: int, quantity: int, now: int, *, maker: bool
    ) -> Fill:
        symbol = self.symbols[order.symbol]
        quote = multiply(quantity, price)
        bought, gained, spent, paid = (
            (symbol.base, quantity, symbol.quote, quote)
            if order.side == "BUY"
            else (symbol.quote, quote, symbol.base, quantity)
        )
        balance = account.balance(spent)
        if maker:
            balance.locked -= paid
            order.locked -= paid
        else:
            balance.free -= paid
        account.balance(bought).free += gained
        commission, asset = charge(account, bought, gained, self.prices.last)
        fill = Fill(self.next_trade_id(symbol.name), price, quantity, quote, commission, asset, now, maker)
        order.executed += quantity
        order.quote_executed += quote
        order.fills.append(fill)
        account.add_trade(order, fill)
        self._after_fill(account, order, now)
        return fill

    def _after_fill(self, account: Account, order: Order, now: int) -> None:
        order.updated_at = account.updated_at = now
        order.status = "PARTIALLY_FILLED"
        if order.executed >= order.quantity:
            self._finish(account, order, "FILLED", now)

    def _finish(self, account: Account, order: Order, status: str, now: int) -> None:
        """The last state; what is still held back becomes free again."""
        if order.locked:
            balance = account.balance(self._spent(order))
            balance.locked -= order.locked
            balance.free += order.locked
            order.locked = 0
        order.status = status
        order.updated_at = account.updated_at = now

    def _spent(self, order: Order) -> str:
        symbol = self.symbols[order.symbol]
        return symbol.quote if order.side == "BUY" else symbol.base

    def _rest(self, order: Order) -> None:
        if not order.locked:
            self._lock(order)
        bids = order.side == "BUY"
        heap = (self._bids if bids else self._asks)[order.symbol]
        heapq.heappush(heap, (-order.price if bids else order.price, order.sequence, order))

    def _lock(self, order: Order) -> None:
        account = self.accounts.get(order.api_key)
        rest = order.remaining
        order.locked = multiply(rest, order.price) if order.side == "BUY" else rest
        balance = account.balance(self._spent(order))
        balance.free -= order.locked
        balance.locked += order.locked
        account.updated_at = order.updated_at

    def _events(
        self,
        account: Account,
        order: Order,
        kind: str,
        now: int,
        *,
        fill: Fill | None = None,
        cancel_id: str = "",
    ) -> list[Event]:
        if not self.listens(account):
            return []
        return [orders.execution_report(order, kind, fill=fill, now=now, cancel_id=cancel_id)]


def _allowed(takes: list[Level], wanted: int, ticket: Ticket, fraction: tuple[int, int]) -> list[Level]:
    """What of `takes` may trade: a fault leaves a fraction, fill-or-kill all or nothing."""
    if fraction != (1, 1):
        takes = _first_part(takes, wanted * fraction[0] // fraction[1], ticket.symbol.step)
    if ticket.time_in_force == "FOK" and sum(quantity for _, quantity in takes) < wanted:
        return []
    return takes


def _first_part(takes: list[Level], quantity: int, step: int) -> list[Level]:
    """The best `quantity` of these levels, in whole steps, at least one."""
    left = max(step, quantity // step * step)
    part = []
    for price, available in takes:
        if left <= 0:
            break
        part.append((price, min(left, available)))
        left -= available
    return part
