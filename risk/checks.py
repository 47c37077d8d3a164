"""May this entry go: pure, with an explanation for each rule that says no."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from exchanges.rounding import plain

ZERO = Decimal(0)
SWITCHES = ("off", "close_only", "freeze")
# The sub-position that an order works on: subscription and symbol.
SubPositionKey = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """A person's limits, or those of one of their copies; None or empty = none. Amounts in `currency`."""

    currency: str = "USDT"
    kill_switch: str = "off"
    max_order_notional: Decimal | None = None
    max_open_notional: Decimal | None = None
    max_slippage_bps: int | None = None
    symbols_blocked: Sequence[str] = ()
    max_daily_loss: Decimal | None = None
    max_open_positions: int | None = None
    max_orders_per_day: int | None = None
    symbols_allowed: Sequence[str] = ()
    oversize: str = "deny"

    @property
    def is_counted(self) -> bool:
        """Whether more must be known for it than the order itself."""
        most = self.max_open_notional, self.max_daily_loss, self.max_open_positions, self.max_orders_per_day
        return any(limit is not None for limit in most)


@dataclass(slots=True)
class Usage:
    """What is used of limits before an order. Amounts in their currency, None = a price is missing."""

    open_notional: Decimal | None = ZERO
    open_positions: set[SubPositionKey] = field(default_factory=set)
    orders_today: int = 0
    day_result: Decimal | None = ZERO


@dataclass(slots=True)
class Allowance:
    """Limits, and what is used of them. `subscription_id` None: they are the person's, over all copies."""

    limits: Limits
    usage: Usage = field(default_factory=Usage)
    subscription_id: int | None = None

    def take(self, key: SubPositionKey, *, notional: Decimal | None, is_first_attempt: bool) -> None:
        """An entry goes: it counts for those that are judged after it."""
        usage = self.usage
        usage.open_positions.add(key)
        usage.orders_today += is_first_attempt
        if usage.open_notional is not None:
            usage.open_notional = None if notional is None else usage.open_notional + notional


@dataclass(frozen=True, slots=True)
class Wish:
    """An entry to be judged: `rate` is the worth of one unit of its quote in the limits' currency."""

    key: SubPositionKey
    amount: Decimal
    price: Decimal
    rate: Decimal | None
    is_first_attempt: bool = True

    @property
    def notional(self) -> Decimal | None:
        return None if self.rate is None else self.amount * self.price * self.rate


@dataclass(frozen=True, slots=True)
class Denial:
    """Which rule stopped an entry, with the numbers in a sentence."""

    rule: str
    sentence: str
    limit: Decimal | None = None
    value: Decimal | None = None


def strictest_switch(limits: Iterable[Limits]) -> str:
    return max((one.kill_switch for one in limits), key=SWITCHES.index, default="off")


def check_entry(limits: Limits, *, symbol: str) -> Denial | None:
    """The first rule that forbids an entry of this symbol, whatever its size, or None."""
    if limits.kill_switch != "off":
        return Denial("kill_switch", "Stopped by your kill switch.")
    if symbol in limits.symbols_blocked:
        return Denial("symbols_blocked", f"You do not allow {symbol}.")
    if limits.symbols_allowed and symbol not in limits.symbols_allowed:
        return Denial("symbols_allowed", f"{symbol} is not among the symbols that you allow.")
    return None


def allowed_amount(allowance: Allowance, wish: Wish) -> tuple[Decimal, str]:
    """The wish, or where its limits say "cut" and it is too large, what they leave room for (unrounded).

    Beside it the limit that leaves the least room, or empty.
    """
    limits, used = allowance.limits, allowance.usage.open_notional
    if limits.oversize != "cut" or wish.rate is None:
        return wish.amount, ""
    rooms = []
    if limits.max_order_notional is not None:
        rooms.append((limits.max_order_notional, "max_order_notional"))
    if limits.max_open_notional is not None and used is not None:
        rooms.append((max(limits.max_open_notional - used, ZERO), "max_open_notional"))
    unit = wish.price * wish.rate
    return min([(wish.amount, ""), *((room / unit, rule) for room, rule in rooms)])


def check_wish(allowance: Allowance, wish: Wish) -> Denial | None:
    """The first limit that this entry would pass, or None."""
    return _check_count(allowance, wish) or _check_loss(allowance) or _check_size(allowance, wish)


def _check_count(allowance: Allowance, wish: Wish) -> Denial | None:
    limits, usage = allowance.limits, allowance.usage
    most, sent = limits.max_orders_per_day, usage.orders_today
    if most is not None and wish.is_first_attempt and sent >= most:
        sentence = f"Stopped by your limit: {sent} orders have left today; you allow {most}."
        return Denial("max_orders_per_day", sentence, Decimal(most), Decimal(sent + 1))
    most, count = limits.max_open_positions, len(usage.open_positions | {wish.key})
    if most is not None and wish.key not in usage.open_positions and count > most:
        sentence = f"Stopped by your limit: this would be position {count}; you allow {most}."
        return Denial("max_open_positions", sentence, Decimal(most), Decimal(count))
    return None


def _check_loss(allowance: Allowance) -> Denial | None:
    limits, result = allowance.limits, allowance.usage.day_result
    if limits.max_daily_loss is None:
        return None
    if result is None:
        return _price_unknown("what you lost today could not be told")
    return daily_loss(limits, result)


def daily_loss(limits: Limits, result: Decimal) -> Denial | None:
    """Whether the day's result is a loss that reaches the limit."""
    most = limits.max_daily_loss
    if most is None or result >= 0 or -result < most:
        return None
    sentence = (
        f"Stopped by your limit: you lost {-result:.2f} {limits.currency} today; you allow {plain(most)}."
    )
    return Denial("max_daily_loss", sentence, most, -result)


def _check_size(allowance: Allowance, wish: Wish) -> Denial | None:
    limits = allowance.limits
    if limits.max_order_notional is None and limits.max_open_notional is None:
        return None
    notional, currency = wish.notional, limits.currency
    if notional is None:
        return _price_unknown(f"your limits are in {currency}, and its rate is not known now")
    most = limits.max_order_notional
    if most is not None and notional > most:
        sentence = f"Stopped by your limit: this order is {notional:.2f} {currency}; you allow {plain(most)}."
        return Denial("max_order_notional", sentence, most, notional)
    return _check_open(limits, notional, allowance.usage.open_notional)


def _check_open(limits: Limits, notional: Decimal, used: Decimal | None) -> Denial | None:
    most, currency = limits.max_open_notional, limits.currency
    if most is None:
        return None
    if used is None:
        return _price_unknown(f"what is open could not be counted in {currency}")
    if used + notional <= most:
        return None
    sentence = (
        f"Stopped by your limit: {notional:.2f} more would make {used + notional:.2f} {currency} open; "
        f"you allow {plain(most)}."
    )
    return Denial("max_open_notional", sentence, most, used + notional)


def _price_unknown(why: str) -> Denial:
    return Denial("price_unknown", f"No fresh price: {why}. Nothing was bought.")


def slippage_bound_bps(limits: Iterable[Limits], *, chosen: int) -> int:
    """The slippage an entry may take: the subscription's choice, capped by every limit."""
    caps = (one.max_slippage_bps for one in limits)
    return min([chosen, *(cap for cap in caps if cap is not None)])
