"""The cast of the demo: three masters with styles of their own, and those who copy them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from accounts.roles import Role
from exchanges import gateway, loop
from exchanges.rounding import meets_minimum, round_down
from exchanges.types import Account, MarketRules, OrderReport, OrderRequest, OrderType, Quote, Side
from subscriptions.models import Subscription

# Of a demo that anybody may start on their own machine; real people choose their own.
PASSWORD = "copytrade-demo"  # noqa: S105
FOLLOWERS = 40
MASTER_BALANCE = Decimal(50_000)
CALL_SECONDS = 15.0

Holdings = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Move:
    """What a master does next: a share of the free quote to spend, or of the coin to sell."""

    symbol: str
    side: Side
    share: Decimal


# From prices now, prices before and what is held, to the next move (None: wait).
Style = Callable[[Random, Mapping[str, Quote], Mapping[str, Quote], Holdings], Move | None]


@dataclass(frozen=True, slots=True)
class Master:
    """One master of the cast; every n-th follower copies them."""

    email: str
    name: str
    strategy: str
    description: str
    symbols: tuple[str, ...]
    risk_level: str
    fee_percent: Decimal
    every: int
    style: Style


def _swing(
    random: Random, now: Mapping[str, Quote], before: Mapping[str, Quote], held: Holdings
) -> Move | None:
    """Buys small pieces and sells the half of what it has when that has become much."""
    (symbol,) = now
    worth = held.get(symbol, Decimal(0)) * now[symbol].last
    if worth > MASTER_BALANCE / 4:
        return Move(symbol, Side.SELL, random.choice([Decimal("0.5"), Decimal(1)]))
    return Move(symbol, Side.BUY, Decimal(random.randint(4, 9)) / 100)


def _momentum(
    random: Random, now: Mapping[str, Quote], before: Mapping[str, Quote], held: Holdings
) -> Move | None:
    """Buys what rose most since its last look, and drops all of what fell."""
    rise = {symbol: now[symbol].last / before[symbol].last - 1 for symbol in now if symbol in before}
    if not rise:
        return None
    falling = [symbol for symbol, change in rise.items() if change < 0 and held.get(symbol, Decimal(0)) > 0]
    if falling and random.random() < 0.6:
        return Move(min(falling, key=rise.__getitem__), Side.SELL, Decimal(1))
    best = max(rise, key=rise.__getitem__)
    return Move(best, Side.BUY, Decimal(random.randint(5, 15)) / 100)


def _rebalancing(
    random: Random, now: Mapping[str, Quote], before: Mapping[str, Quote], held: Holdings
) -> Move | None:
    """Trims the coin that weighs most, and adds to the one that weighs least."""
    worth = {symbol: held.get(symbol, Decimal(0)) * now[symbol].last for symbol in now}
    heaviest, lightest = max(worth, key=worth.__getitem__), min(worth, key=worth.__getitem__)
    if worth[heaviest] > MASTER_BALANCE / 5 and random.random() < 0.5:
        return Move(heaviest, Side.SELL, Decimal("0.3"))
    return Move(lightest, Side.BUY, Decimal("0.08"))


MASTERS = (
    Master(
        email="ana@demo.example",
        name="ana",
        strategy="Calm BTC swing",
        description="Buys Bitcoin in small pieces and takes half off the table when it has become much.",
        symbols=("BTC/USDT",),
        risk_level="low",
        fee_percent=Decimal(10),
        every=1,
        style=_swing,
    ),
    Master(
        email="ben@demo.example",
        name="ben",
        strategy="Alt momentum",
        description="Follows what rises among the larger coins and leaves at once when it falls.",
        symbols=("ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT"),
        risk_level="high",
        fee_percent=Decimal(20),
        every=2,
        style=_momentum,
    ),
    Master(
        email="chloe@demo.example",
        name="chloe",
        strategy="Majors in balance",
        description="Keeps four coins at similar weight: trims the heaviest, adds to the lightest.",
        symbols=("BNB/USDT", "ADA/USDT", "LTC/USDT", "LINK/USDT"),
        risk_level="medium",
        fee_percent=Decimal(15),
        every=3,
        style=_rebalancing,
    ),
)
FOLLOWER = "fay@demo.example"
STAFF = {
    "compliance@demo.example": Role.COMPLIANCE,
    "auditor@demo.example": Role.AUDITOR,
    "admin@demo.example": Role.ADMIN,
}


def follower_email(number: int) -> str:
    return FOLLOWER if number == 0 else f"follower{number:02}@demo.example"


def sizing(number: int) -> tuple[str, Decimal, Decimal]:
    """Mode, value and allocation of the n-th follower: every mode, small and large."""
    mode = Subscription.SizingMode
    allocation = Decimal(400 + 150 * number)
    choices = (
        (mode.PROPORTIONAL, Decimal(1)),
        (mode.FIXED_NOTIONAL, Decimal(15 + number)),
        (mode.PROPORTIONAL, Decimal("1.5")),
        (mode.MULTIPLIER, (Decimal(1 + number) / 200)),
    )
    chosen, value = choices[number % len(choices)]
    return chosen, value, allocation


def trade(account: Account, move: Move, *, free_quote: Decimal, held: Holdings) -> OrderReport | None:
    """Trade at the exchange as the master would by hand; None when it is too small to be taken."""
    rules = gateway.market_rules_now(account.exchange)[move.symbol]
    price = loop.run(gateway.fetch_quotes(account.exchange, [move.symbol]), CALL_SECONDS)[move.symbol].last
    spend = free_quote / price if move.side == Side.BUY else held.get(move.symbol, Decimal(0))
    quantity = _rounded(spend * move.share, rules)
    if not meets_minimum(quantity, price, rules):
        return None
    request = OrderRequest(
        client_order_id=f"demo{secrets.token_hex(7)}",
        symbol=move.symbol,
        side=move.side,
        type=OrderType.MARKET,
        quantity=quantity,
        price=None,
        signed_at=gateway.venue_now(account.exchange),
    )
    return loop.run(gateway.place(account, request), CALL_SECONDS)


def _rounded(quantity: Decimal, rules: MarketRules) -> Decimal:
    return round_down(quantity, rules.lot_step)


def free_and_held(account: Account, symbols: tuple[str, ...]) -> tuple[Decimal, dict[str, Decimal]]:
    """The free quote of a master's account, and what it holds of each symbol's coin."""
    balances = loop.run(gateway.fetch_balances(account), CALL_SECONDS)
    held = {
        symbol: balances[base].free for symbol in symbols if (base := symbol.partition("/")[0]) in balances
    }
    return (balances["USDT"].free if "USDT" in balances else Decimal(0)), held
