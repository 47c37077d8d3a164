"""The venue's own list beside our books: pure, so that it can be tried with every kind of difference."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

FINAL = frozenset({"filled", "canceled", "rejected", "denied", "skipped", "expired"})
# These exist, or existed, at the venue.
PLACED = frozenset({"open", "partially_filled", "filled", "canceled"})

FillKey = tuple[str, str, str]  # the account's uid, the venue's order id, its trade id


@dataclass(frozen=True, slots=True)
class Fill:
    uid: str
    order_id: str
    trade_id: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str

    @property
    def key(self) -> FillKey:
        return (self.uid, self.order_id, self.trade_id)


@dataclass(frozen=True, slots=True)
class VenueOrder:
    uid: str
    order_id: str
    client_order_id: str
    executed: Decimal
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class BookedOrder:
    uid: str
    client_order_id: str
    signal: int
    status: str
    reason: str
    attempt: int
    requested: Decimal
    filled: Decimal


@dataclass(frozen=True, slots=True)
class Account:
    """A follower's account: what the books say, and what the venue's balances have changed by."""

    uid: str
    held: Decimal
    cash_change: Decimal
    reserved: Decimal
    base_at_venue: Decimal
    quote_at_venue: Decimal


@dataclass(frozen=True, slots=True)
class Books:
    """`signals`: number → its status; `signal_fills`: of the master, by (order id, trade id)."""

    orders: Sequence[BookedOrder]
    fills: Sequence[Fill]
    signals: dict[int, str]
    signal_fills: Sequence[tuple[str, str]]
    accounts: Sequence[Account]


@dataclass(slots=True)
class Check:
    """`differences` are sentences; none is what is wanted."""

    name: str
    compared: int
    differences: list[str] = field(default_factory=list)


def compare(venue: Sequence[VenueOrder], master: str, books: Books) -> list[Check]:
    """`master` is the uid of the master's account; all others are followers'."""
    copies = [order for order in venue if order.uid != master]
    return [
        _signals(venue, master, books),
        _everybody_has_an_order(books),
        _lost(copies, books),
        _doubled(copies, books),
        _filled_as_booked(copies, books),
        _fills(copies, books),
        _final(books),
        _positions(books),
        _reserved(books),
    ]


def _signals(venue: Sequence[VenueOrder], master: str, books: Books) -> Check:
    told = Counter(
        (order.order_id, fill.trade_id) for order in venue if order.uid == master for fill in order.fills
    )
    taken = Counter(books.signal_fills)
    check = Check("master's fills in one signal each", len(told))
    check.differences += [f"fill {key} is in {taken[key]} signals" for key in told if taken[key] != 1]
    check.differences += [f"the exchange knows no fill {key}" for key in taken if key not in told]
    check.differences += [
        f"signal {number} is {status}" for number, status in books.signals.items() if status != "done"
    ]
    return check


def _everybody_has_an_order(books: Books) -> Check:
    served: dict[int, set[str]] = defaultdict(set)
    for order in books.orders:
        served[order.signal].add(order.uid)
    everybody = {account.uid for account in books.accounts}
    check = Check("an order for each follower and signal", len(books.signals) * len(everybody))
    for number in books.signals:
        missing = everybody - served[number]
        check.differences += [f"follower {uid} has no order of signal {number}" for uid in sorted(missing)]
    return check


def _lost(copies: Sequence[VenueOrder], books: Books) -> Check:
    known = {(order.uid, order.client_order_id) for order in copies}
    placed = [order for order in books.orders if order.status in PLACED and order.attempt]
    return Check(
        "orders lost",
        len(placed),
        [
            f"{_name(order)} is {order.status}, and the exchange has no such order"
            for order in placed
            if (order.uid, order.client_order_id) not in known
        ],
    )


def _doubled(copies: Sequence[VenueOrder], books: Books) -> Check:
    ours = {(order.uid, order.client_order_id) for order in books.orders}
    times = Counter((order.uid, order.client_order_id) for order in copies)
    check = Check("orders doubled", len(times))
    check.differences += [f"{key} was accepted {count} times" for key, count in times.items() if count > 1]
    check.differences += [
        f"{key} is at the exchange, and is none of ours" for key in times if key not in ours
    ]
    return check


def _filled_as_booked(copies: Sequence[VenueOrder], books: Books) -> Check:
    executed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for order in copies:
        executed[order.uid, order.client_order_id] += order.executed
    check = Check("amounts filled as booked", len(books.orders))
    for booked in books.orders:
        there = executed[booked.uid, booked.client_order_id]
        if not there == booked.filled <= booked.requested:
            check.differences.append(
                f"{_name(booked)} ({booked.status}): {there} filled at the exchange, "
                f"{booked.filled} of {booked.requested} in the books"
            )
    return check


def _fills(copies: Sequence[VenueOrder], books: Books) -> Check:
    told = {fill.key: fill for order in copies for fill in order.fills}
    times = Counter(fill.key for fill in books.fills)
    check = Check("fills booked once", len(told))
    check.differences += [f"fill {key} is booked {times[key]} times" for key in told if times[key] != 1]
    for fill in books.fills:
        if fill.key not in told:
            check.differences.append(f"the exchange knows no fill {fill.key}")
        elif fill != told[fill.key]:
            check.differences.append(f"booked is {fill}, and the exchange says {told[fill.key]}")
    return check


def _final(books: Books) -> Check:
    check = Check("a final state with a reason", len(books.orders))
    check.differences += [f"{_name(o)} is still {o.status}" for o in books.orders if o.status not in FINAL]
    check.differences += [
        f"{_name(order)} is {order.status} without a reason"
        for order in books.orders
        if order.status in FINAL and order.status != "filled" and not order.reason
    ]
    return check


def _positions(books: Books) -> Check:
    check = Check("positions and cash as at the exchange", 2 * len(books.accounts))
    for account in books.accounts:
        if account.held != account.base_at_venue:
            check.differences.append(
                f"follower {account.uid}: {account.held} coins booked, {account.base_at_venue} there"
            )
        if account.cash_change != account.quote_at_venue:
            check.differences.append(
                f"follower {account.uid}: cash changed by {account.cash_change} in the books, "
                f"by {account.quote_at_venue} there"
            )
    return check


def _reserved(books: Books) -> Check:
    """When nothing is under way, nothing is set aside for it."""
    return Check(
        "no cash reserved any more",
        len(books.accounts),
        [f"follower {a.uid}: {a.reserved} is still reserved" for a in books.accounts if a.reserved],
    )


def nobody_holds(books: Books, *, at_most: Decimal) -> Check:
    """After the master has sold all: what remains is too small for the venue."""
    return Check(
        "nobody holds what the master has sold",
        len(books.accounts),
        [f"follower {a.uid} holds {a.held}" for a in books.accounts if a.held > at_most],
    )


def count(orders: Iterable[BookedOrder]) -> dict[str, int]:
    """How many ended how: "canceled beyond_slippage" → 3."""
    return dict(Counter(f"{order.status} {order.reason}".strip() for order in orders).most_common())


def _name(order: BookedOrder) -> str:
    return f"{order.client_order_id} of follower {order.uid}, signal {order.signal}, attempt {order.attempt}"
