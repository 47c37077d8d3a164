"""How much a follower trades when the master trades: exact, pure, and explained step by step.

Amounts are in base, prices and notionals in quote. Each function returns its steps beside its result,
so that an order can tell why it has its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext

from exchanges.rounding import EXACT, meets_minimum, plain, round_down
from exchanges.types import MarketRules

PLACES = Decimal(1).scaleb(-18)
BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an order's explanation: what was done, with which numbers, with which result.

    `cut` is the code of what made the order smaller than its settings ask for.
    """

    label: str
    detail: str
    result: str
    cut: str = ""

    def as_json(self) -> dict[str, str]:
        told = {"label": self.label, "detail": self.detail, "result": self.result}
        return told | {"cut": self.cut} if self.cut else told


@dataclass(frozen=True, slots=True)
class MasterFill:
    """What the master did. `equity` was theirs before the order; `order_amount` is the whole order's."""

    amount: Decimal
    price: Decimal
    equity: Decimal | None
    order_amount: Decimal | None


@dataclass(frozen=True, slots=True)
class FollowerSettings:
    """How this follower copies: mode `proportional`, `multiplier` or `fixed_notional`, and its value."""

    mode: str
    value: Decimal
    allocation: Decimal
    realised_pnl: Decimal


@dataclass(frozen=True, slots=True)
class Sized:
    """A result with its explanation. `amount` None: the facts do not suffice (the master's equity)."""

    amount: Decimal | None
    steps: tuple[Step, ...]

    @property
    def is_cut(self) -> bool:
        return any(step.cut for step in self.steps)


def price_bound(*, master_price: Decimal, max_slippage_bps: int, tick_size: Decimal) -> Decimal:
    """The most an entry may pay: the master's average price and the slippage, down to the tick."""
    with localcontext(EXACT):
        return round_down(master_price * (1 + Decimal(max_slippage_bps) / BPS), tick_size)


def gettext_noop(label: str) -> str:
    """Marks it for translators, whose tools look for this name; the page that shows it translates it."""
    return label


def size_entry(master: MasterFill, follower: FollowerSettings, *, bound: Decimal, quote: str) -> Sized:
    """The amount by which an entry raises the follower's target, before any rounding to the lot step."""
    with localcontext(EXACT):
        if follower.mode == "multiplier":
            return _by_multiplier(master, follower)
        if follower.mode == "fixed_notional":
            return _by_fixed_notional(master, follower, bound=bound, quote=quote)
        return _by_proportion(master, follower, bound=bound, quote=quote)


def _by_multiplier(master: MasterFill, follower: FollowerSettings) -> Sized:
    amount = _exact(master.amount * follower.value)
    step = Step(
        gettext_noop("Master's amount × your factor"),
        f"{plain(master.amount)} × {plain(follower.value)}",
        plain(amount),
    )
    return Sized(amount, (step,))


def _by_fixed_notional(
    master: MasterFill, follower: FollowerSettings, *, bound: Decimal, quote: str
) -> Sized:
    whole = max(master.order_amount or master.amount, master.amount)
    notional = follower.value * master.amount / whole
    share = Step(
        gettext_noop("Your fixed amount for this order"),
        f"{plain(follower.value)} {quote} × {plain(master.amount)} of {plain(whole)} filled",
        f"{_money(notional)} {quote}",
    )
    return _at_bound(notional, (share,), bound=bound)


def _by_proportion(master: MasterFill, follower: FollowerSettings, *, bound: Decimal, quote: str) -> Sized:
    if master.equity is None or master.equity <= 0:
        step = Step(gettext_noop("Master's share"), "the master's equity is not known", "unknown")
        return Sized(None, (step,))
    spent = master.amount * master.price
    share = min(spent / master.equity, Decimal(1))
    capital = max(follower.allocation + follower.realised_pnl, Decimal(0))
    notional = share * capital * follower.value
    steps = (
        Step(
            gettext_noop("Master's share"),
            f"{_money(spent)} of {_money(master.equity)} {quote} equity",
            f"{share * 100:.2f} %",
        ),
        Step(
            gettext_noop("Your capital × your factor"),
            f"({_money(follower.allocation)} allocated {_signed(follower.realised_pnl)} realised) {quote} "
            f"× {plain(follower.value)}",
            f"{_money(notional)} {quote}",
        ),
    )
    return _at_bound(notional, steps, bound=bound)


def _at_bound(notional: Decimal, steps: tuple[Step, ...], *, bound: Decimal) -> Sized:
    amount = _exact(notional / bound)
    step = Step(gettext_noop("At your price bound"), f"{_money(notional)} ÷ {plain(bound)}", _shown(amount))
    return Sized(amount, (*steps, step))


def round_entry(
    *, target: Decimal, held: Decimal, bound: Decimal, cash: Decimal, rules: MarketRules
) -> Sized:
    """What to buy now: target − held, within the free cash, down to the lot step.

    An amount of 0 means too small for the venue.
    """
    with localcontext(EXACT):
        wanted = target - held
        steps = [Step(gettext_noop("Target − held"), f"{_shown(target)} − {_shown(held)}", _shown(wanted))]
        affordable = max(cash, Decimal(0)) / (bound * (1 + rules.taker_fee))
        if wanted > affordable:
            detail = f"{_money(max(cash, Decimal(0)))} {rules.quote} free ÷ price bound with fee"
            wanted = affordable
            steps.append(Step(gettext_noop("Your free allocation"), detail, _shown(wanted), cut="allocation"))
        quantity = round_down(max(wanted, Decimal(0)), rules.lot_step)
        if rules.max_quantity:
            quantity = min(quantity, round_down(rules.max_quantity, rules.lot_step))
        steps.append(
            Step(gettext_noop("Down to the lot step"), f"step {plain(rules.lot_step)}", plain(quantity))
        )
        if meets_minimum(quantity, bound, rules):
            return Sized(quantity, tuple(steps))
        steps.append(_too_small(quantity, bound, rules))
        return Sized(Decimal(0), tuple(steps))


def round_exit(
    *, target: Decimal, held: Decimal, most: Decimal | None = None, price: Decimal, rules: MarketRules
) -> Sized:
    """What to sell now: held − target, down to the lot step; 0 means too small for the venue.

    `most` is what the venue has of it, where less than `held` was found there.
    """
    with localcontext(EXACT):
        wanted = max(held - target, Decimal(0))
        quantity = round_down(wanted if most is None else min(wanted, most), rules.lot_step)
        if rules.max_market_quantity:
            quantity = min(quantity, round_down(rules.max_market_quantity, rules.lot_step))
        steps = [
            Step(gettext_noop("Held − target"), f"{_shown(held)} − {_shown(target)}", _shown(wanted)),
            *(
                []
                if most is None
                else [Step(gettext_noop("What is really there"), "free at the exchange", _shown(most))]
            ),
            Step(gettext_noop("Down to the lot step"), f"step {plain(rules.lot_step)}", plain(quantity)),
        ]
        if meets_minimum(quantity, price, rules):
            return Sized(quantity, tuple(steps))
        steps.append(_too_small(quantity, price, rules))
        return Sized(Decimal(0), tuple(steps))


def exit_fraction(*, sold: Decimal, book: Decimal, holding: Decimal | None, smallest: Decimal) -> Decimal:
    """The part of the strategy's position that a master's sale closes, at most 1.

    `book` is what the strategy holds by the books, `holding` what the master's account held (None =
    unknown), both before the sale. A rest below `smallest`, which cannot be sold any more, closes all.
    """
    with localcontext(EXACT):
        base = book if holding is None else min(book, holding)
        if base - sold <= smallest:
            return Decimal(1)
        return (sold / base).quantize(PLACES, ROUND_DOWN)


def lower_target(target: Decimal, fraction: Decimal) -> Decimal:
    """The target after an exit of this fraction."""
    with localcontext(EXACT):
        return Decimal(0) if fraction >= 1 else _exact(target * (1 - fraction))


def _too_small(quantity: Decimal, price: Decimal, rules: MarketRules) -> Step:
    detail = (
        f"{_money(quantity * price)} {rules.quote}; the exchange takes {plain(rules.min_notional)} or more"
    )
    return Step(gettext_noop("Below the exchange's minimum"), detail, "carried to the next trade")


def _exact(amount: Decimal) -> Decimal:
    """Down to what the database keeps."""
    return amount.quantize(PLACES, ROUND_DOWN)


def _shown(amount: Decimal) -> str:
    """An amount as people read it: eight places, or the first that count of a smaller one."""
    shown = amount.quantize(Decimal("0.00000001"), ROUND_DOWN)
    return plain(shown if shown else amount)


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}" if abs(amount) >= Decimal("0.01") or amount == 0 else f"{amount:.8f}"


def _signed(amount: Decimal) -> str:
    return f"{'−' if amount < 0 else '+'} {_money(abs(amount))}"
