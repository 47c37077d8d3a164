"""However a master's fills are told, by stream or by asking, twice, late, in another order: the same signals.

What is generated is the telling; what the master does stays. A stream tells in order but for neighbours,
tells again what it told, comes late, and loses what happens until it is opened anew; whoever asks is told
all that has happened so far.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from exchanges import gateway, stream
from exchanges.types import FillReport, Side
from execution import master_feed
from execution.watching import Watch
from ledger.models import Fill, Position, Posting, Trade
from strategies.models import Signal, SignalFill
from tests.execution.world import World

pytestmark = pytest.mark.django_db

# Order, its number of fills, side, symbol. Both symbols count their trades from 748, as Binance does.
ORDERS = (
    ("o1", 3, "buy", "BTC/USDT"),
    ("o2", 1, "sell", "BTC/USDT"),
    ("o3", 2, "buy", "ETH/USDT"),
    ("o4", 1, "sell", "BTC/USDT"),
)
PIECE = Decimal("0.01")


def fills(now: datetime) -> list[FillReport]:
    """In the order in which they happened; two of one millisecond each."""
    told: list[FillReport] = []
    ids = {"BTC/USDT": 748, "ETH/USDT": 748}
    for order_id, count, side, symbol in ORDERS:
        for piece in range(count):
            told.append(
                FillReport(
                    symbol=symbol,
                    venue_order_id=order_id,
                    trade_id=str(ids[symbol]),
                    client_order_id="",
                    side=Side(side),
                    price=Decimal(100000) if symbol == "BTC/USDT" else Decimal(4000),
                    quantity=PIECE,
                    fee=Decimal(0),
                    fee_asset="",
                    at=now - timedelta(milliseconds=60 - len(told) // 2),
                    order_is_final=piece == count - 1,
                )
            )
            ids[symbol] += 1
    return told


COUNT = sum(count for _order, count, _side, _symbol in ORDERS)
STEPS = ("tell", "tell", "tell", "swap", "again", "ask", "pause", "cut")
TELLING = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, COUNT)), max_size=16)


@dataclass
class Telling:
    """Takes the steps of one generated telling with one watch after the other."""

    world: World
    monkeypatch: pytest.MonkeyPatch
    history: list[FillReport]
    # So many have happened, and of so many the stream has told or lost.
    happened: int = 0
    told: int = 0
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.account = self.world.strategy.exchange_account.open()
        self.watch = self.world.watch()
        self.monkeypatch.setattr(gateway, "fetch_fills", self._answer)

    async def _answer(self, account: Any, *, symbol: str, since: datetime, until: Any = None) -> Any:
        """What the venue lists: its history up to now, never with a word on the order's end."""
        listed = self.history[: self.happened]
        return [
            replace(fill, order_is_final=False)
            for fill in listed
            if fill.symbol == symbol and fill.at >= since
        ]

    def tell(self, _number: int) -> None:
        """The next fill, as it happens or late."""
        self._tell(self.history[self.told : self.told + 1])

    def swap(self, _number: int) -> None:
        """The next two, the second one first."""
        self._tell(self.history[self.told : self.told + 2][::-1])

    def again(self, number: int) -> None:
        for fill in self.history[: self.told][number : number + 1]:
            self._turn(fill)

    def ask(self, happened: int) -> None:
        """A poll finds all that has happened so far, whatever the stream has told."""
        self.happened = max(self.happened, happened)
        master_feed._back_fill(self.watch, self.account)

    def pause(self, _number: int = 0) -> None:
        """Longer than fills are gathered."""
        for waiting in self.watch.gathering.values():
            waiting.until = 0.0
        self._turn(stream.OrderFinished("BTC/USDT", "none", "", self.history[0].at))

    def cut(self, happened: int) -> None:
        """The watcher dies with what it gathered; what happens meanwhile no stream will tell."""
        self.told = self.happened = max(self.happened, happened)
        self.watch = self.world.watch()
        self._turn(stream.StreamOpened(gateway.venue_now("paper")))

    def end(self) -> None:
        """Time passes, all has happened, and the next poll comes."""
        self.pause()
        self.ask(COUNT)

    def _tell(self, fills: list[FillReport]) -> None:
        self.told += len(fills)
        self.happened = max(self.happened, self.told)
        for fill in fills:
            self._turn(fill)

    def _turn(self, event: stream.StreamEvent) -> None:
        watch = self.watch
        watch.next_snapshot = watch.next_back_fill = watch.next_transfers = float("inf")
        watch.events.put(event)
        master_feed._turn(watch, self.account)


def outcome() -> Any:
    """What is left in the books and among the signals, whatever the number of signals of one order."""
    per_order: dict[tuple[str, str, str], Decimal] = {}
    for signal in Signal.objects.order_by("number"):
        key = (signal.venue_order_id, signal.symbol, signal.side)
        per_order[key] = per_order.get(key, Decimal(0)) + signal.amount
    positions = Position.objects.filter(subscription=None).order_by("symbol")
    return (
        per_order,
        sorted(SignalFill.objects.values_list("venue_order_id", "symbol", "trade_id")),
        sorted(Fill.objects.values_list("venue_order_id", "symbol", "trade_id")),
        list(positions.values_list("symbol", "held", "realised_pnl")),
    )


EXPECTED = (
    {
        ("o1", "BTC/USDT", "buy"): 3 * PIECE,
        ("o2", "BTC/USDT", "sell"): PIECE,
        ("o3", "ETH/USDT", "buy"): 2 * PIECE,
        ("o4", "BTC/USDT", "sell"): PIECE,
    },
    [
        *(("o1", "BTC/USDT", str(number)) for number in (748, 749, 750)),
        ("o2", "BTC/USDT", "751"),
        *(("o3", "ETH/USDT", str(number)) for number in (748, 749)),
        ("o4", "BTC/USDT", "752"),
    ],
)


def check(telling: Telling, steps: list[tuple[str, int]]) -> None:
    note(f"told by {steps}")
    for step, number in steps:
        getattr(telling, step)(number)
    telling.end()

    amounts, taken, booked, positions = outcome()
    assert amounts == EXPECTED[0]
    assert taken == booked == EXPECTED[1]
    assert [held for _symbol, held, _pnl in positions] == [PIECE, 2 * PIECE]
    numbers = list(Signal.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1)), "numbered without a gap"
    sold = Signal.objects.filter(side="sell").order_by("number")
    bought = Signal.objects.filter(side="buy", symbol="BTC/USDT").order_by("number")
    # A sale comes after every purchase that came before it, so that nobody sells what he is yet to buy.
    assert bought.last().number < sold.first().number  # type: ignore[union-attr,operator]
    left = Decimal(1)
    for signal in sold:
        left *= 1 - (signal.exit_fraction or 0)
    assert abs(left - Decimal(1) / 3) < Decimal("1e-9"), "followers keep the same third as the master"
    assert Trade.objects.filter(subscription=None).count() == COUNT
    assert Posting.objects.count() == 2 * COUNT


@given(steps=TELLING)
@example([("tell", 0), ("ask", 4)])
@example([("tell", 0), ("tell", 0), ("swap", 0)])
@example([("tell", 0), ("tell", 0), ("pause", 0), ("swap", 0)])
@example([("tell", 0), ("tell", 0), ("cut", 0), ("swap", 0)])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_fills_are_told_the_signals_and_the_books_are_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]]
) -> None:
    before = transaction.savepoint()
    try:
        check(Telling(world, monkeypatch, fills(gateway.venue_now("paper"))), steps)
    finally:
        transaction.savepoint_rollback(before)
